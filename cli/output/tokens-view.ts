/** Join tokens for people. */

import type { JoinTokenView } from "#shared/api.ts";
import { formatDuration } from "#shared/pipeline/units.ts";
import { plural } from "./format.ts";
import type { View } from "./print.ts";
import { oneLine } from "./text.ts";

const columns = [
	{ header: "TOKEN" },
	{ header: "EXPIRES IN" },
	{ header: "USED", align: "right" as const },
	{ header: "BY" },
	{ header: "HOSTS", flexible: true },
];

const MINUTE_MS = 60_000;

const expiresIn = ({ expiresAtMs }: JoinTokenView, nowMs: number): string =>
	expiresAtMs <= nowMs ? "expired" : formatDuration(Math.ceil((expiresAtMs - nowMs) / MINUTE_MS) * MINUTE_MS);

export const tokensView = (tokens: JoinTokenView[], view: View): string[] =>
	tokens.length === 0
		? ["no tokens; make one with: runmesh token create"]
		: view.table(
				columns,
				tokens.map((token) => [
					token.id,
					expiresIn(token, view.nowMs),
					`${token.used} of ${token.uses}`,
					oneLine(token.by),
					token.hosts.map(oneLine).join(" "),
				]),
			);

/** `isDialable`: whether the address in the line serves from another machine. */
export const tokenCreatedView = (
	made: JoinTokenView & { command: string },
	isDialable: boolean,
	{ nowMs, style }: View,
): string[] => [
	`Run this on ${made.uses === 1 ? "the other machine" : `up to ${plural(made.uses, "machine")}`}, within ${expiresIn(made, nowMs)}:`,
	"",
	`  ${made.command}`,
	"",
	...(isDialable
		? []
		: [style.waiting("This mesh listens only on this machine: start it with `runmesh up --host ADDRESS` first.")]),
	style.dim(`The token is shown this once; runmesh token revoke ${made.id} makes it useless.`),
];
