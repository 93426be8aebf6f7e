/** The HTTP API on its port. */

import type { AddressInfo } from "node:net";
import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { createApp } from "./app.ts";
import type { HttpDeps } from "./deps.ts";

export const startHttp = async (deps: HttpDeps): Promise<{ url: string; close(): Promise<void> }> => {
	const app = createApp(deps);
	try {
		await app.listen({ host: deps.host, port: deps.port });
	} catch (error) {
		await app.close();
		throw listenError(error, deps);
	}
	const { port } = app.server.address() as AddressInfo;
	return { url: `http://${deps.host.includes(":") ? `[${deps.host}]` : deps.host}:${port}`, close: () => app.close() };
};

const listenError = (error: unknown, { host, port }: HttpDeps): RunmeshError => {
	const { code } = error as NodeJS.ErrnoException;
	if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN") {
		return new RunmeshError("RM_BAD_INPUT", `the API can't listen on ${host}: no such address here`, {
			hint: "give one of this machine's addresses, or 0.0.0.0 for all",
			cause: error,
		});
	}
	if (code === "EACCES") {
		return new RunmeshError("RM_BAD_INPUT", `port ${port} may not be opened by this user`, {
			hint: "choose a port above 1023, or 0 for any free one",
			cause: error,
		});
	}
	return toRunmeshError(error);
};
