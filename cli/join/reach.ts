/** Whether something on another machine can be reached from here, and by which of our addresses. */

import { connect } from "node:net";
import { asError } from "#shared/errors.ts";
import type { Endpoint } from "./addresses.ts";

export type Reached = { ok: true; localAddress: string } | { ok: false; code: string; reason: string };

const WITHIN_MS = 5_000;

export const reach = ({ host, port }: Endpoint): Promise<Reached> =>
	new Promise((resolve) => {
		const socket = connect({ host, port });
		const done = (reached: Reached): void => {
			socket.destroy();
			resolve(reached);
		};
		socket.setTimeout(WITHIN_MS, () =>
			done({ ok: false, code: "ETIMEDOUT", reason: `no answer within ${WITHIN_MS / 1000} s` }),
		);
		socket.once("error", (error) => {
			const { code = "" } = error as NodeJS.ErrnoException;
			done({ ok: false, code, reason: reasons[code] ?? asError(error).message });
		});
		socket.once("connect", () => done({ ok: true, localAddress: socket.localAddress ?? "" }));
	});

const reasons: Readonly<Record<string, string>> = {
	ECONNREFUSED: "nobody listens there",
	ENOTFOUND: "its name is not known here",
	EAI_AGAIN: "its name is not known here",
	EHOSTUNREACH: "there is no way to that machine",
	ENETUNREACH: "there is no way to that machine",
};
