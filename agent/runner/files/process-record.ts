/**
 * How far an attempt's process came: whom the agent told of it, in launch.sh, and what that supervisor wrote of it, in
 * process. What each promises is told in record.ts.
 */

import { basename } from "node:path";
import type { ProcessIdentity } from "#shared/process.ts";
import { parseIdentity } from "../../system/process.ts";
import { modifiedAtMs, readAs, writeOver } from "./file.ts";
import type { AttemptPaths } from "./paths.ts";

/** Only then may the supervisor be told of the attempt. */
export const writeLaunch = (paths: AttemptPaths, { pid, start }: ProcessIdentity, script: string): void =>
	writeOver(paths.launch, `# ${basename(paths.folder)} ${pid} ${start}\n${script}`);

/** Who was told to run it last; null when nobody was. */
export const readNamed = (paths: AttemptPaths): ProcessIdentity | null =>
	readAs(paths.launch, (bytes) => {
		const [, attempt, pid, start = ""] = /^# (\S+) (\d+) (.+)\n/.exec(bytes.toString()) ?? [];
		return attempt === basename(paths.folder) ? { pid: Number(pid), start } : null;
	});

export interface Start {
	/** null when it can't be read: written in the last moments before a power cut. */
	supervisor: ProcessIdentity | null;
	startedAtMs: number;
}

/** null when the command never began. */
export const readStart = (paths: AttemptPaths): Start | null => {
	if (readProcess(paths, "started") !== null) {
		return { supervisor: readNamed(paths), startedAtMs: modifiedAtMs(paths.launch) };
	}
	const supervisor = readFirstClaim(paths);
	return supervisor && { supervisor, startedAtMs: modifiedAtMs(paths.process) };
};

export const readExit = (paths: AttemptPaths): { code: number; atMs: number } | null => {
	const code = readProcess(paths, "ended");
	if (code !== null) return { code: Number(code), atMs: modifiedAtMs(paths.process) };
	if (!readFirstClaim(paths)) return null;
	const exit = `${paths.folder}/exit`;
	return readAs(exit, (bytes) => {
		const [, left] = /^(\d+)\n/.exec(bytes.toString()) ?? [];
		return left === undefined ? null : { code: Number(left), atMs: modifiedAtMs(exit) };
	});
};

/** An attempt that an agent of the first release started: its supervisor named itself on the first line. */
const readFirstClaim = (paths: AttemptPaths): ProcessIdentity | null =>
	readAs(paths.process, (bytes) => {
		const [claim = ""] = bytes.toString().split("\n");
		return claim === "" ? null : parseIdentity(claim);
	});

/** What follows the word on its line; null when there is no such line. */
const readProcess = (paths: AttemptPaths, word: "started" | "ended"): string | null =>
	readAs(paths.process, (bytes) => {
		const start = `${word} ${basename(paths.folder)}`;
		// The last piece is what lacks its newline.
		const line = bytes
			.toString()
			.split("\n")
			.slice(0, -1)
			.find((line) => line === start || line.startsWith(`${start} `));
		return line === undefined ? null : line.slice(start.length + 1);
	});
