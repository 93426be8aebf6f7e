/** Why an environment could not be made, in words for the one who wrote the step, with what can be done about it. */

import { readFileSync } from "node:fs";
import { formatDuration } from "#shared/pipeline/units.ts";
import { AttemptError, lastLines } from "../runner/failure.ts";
import type { CommandsEnd } from "./commands.ts";

export const buildFailure = (
	what: string,
	end: Exclude<CommandsEnd, { kind: "done" }>,
	{ log, timeoutMs }: { log: string; timeoutMs: number },
): AttemptError => {
	const all = textOf(log);
	const hint = NO_NETWORK.test(all) ? UNREACHED : "";
	const said = lastLines(log)
		.split("\n")
		.filter((line) => !TRIED_AGAIN.test(line));
	const message = [`${what} could not be made: ${hint}${reasonOf(end, timeoutMs)}`, ...said];
	return new AttemptError(NO_SPACE.test(all) ? "disk" : "setup", message.filter((part) => part !== "").join("\n"));
};

const reasonOf = (end: Exclude<CommandsEnd, { kind: "done" }>, timeoutMs: number): string => {
	switch (end.kind) {
		case "late":
			return `it took longer than ${formatDuration(timeoutMs)}, which the agent allows (--environment-timeout); it said last:`;
		case "unwanted":
			return "nobody waits for it any more";
		case "failed":
			if (end.command === "") return "its process was killed from outside; it said last:";
			return `\`${end.command}\` ended with exit code ${end.code}; it said last:`;
	}
};

const NO_SPACE = /No space left on device|ENOSPC|Disk quota exceeded/i;

const NO_NETWORK = new RegExp(
	[
		"name resolution|Name or service not known|Could not resolve|nodename nor servname|dns error|EAI_AGAIN|ENOTFOUND",
		"Connection refused|ECONNREFUSED|ECONNRESET|ETIMEDOUT|Network is unreachable|NewConnectionError|Max retries exceeded",
		"error sending request|tcp connect error|CondaHTTPError|Could not connect|timed out",
	].join("|"),
	"i",
);

/** What comes of it in the end says more. */
const TRIED_AGAIN = /^WARNING: Retrying \(/;

const UNREACHED =
	"the agent can't reach where packages come from (mend its network, or name a mirror that it reaches in the step's env, such as PIP_INDEX_URL, NPM_CONFIG_REGISTRY or CONDA_CHANNEL_ALIAS); ";

const textOf = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch {
		return "";
	}
};
