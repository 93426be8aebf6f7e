/** How an attempt's process ended, by the word of its supervisor or by what that one left. */

import { constants } from "node:os";
import type { Exit } from "../../core/inputs.ts";
import { isOfEarlierBoot } from "../../system/process.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { readExit, readStart } from "../files/process-record.ts";

/** The supervisor's exit code, as a shell gives it: 128 and the number of the signal. */
export const exitOf = (code: number, atMs: number): Exit => ({
	exitCode: code,
	signal: code > 128 ? (signalNames.get(code - 128) ?? "") : "",
	vanished: "",
	atMs,
});

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Of a supervisor that is gone. Read after the look at the process: it may just have ended. */
export const exitLeftBy = (paths: AttemptPaths, nowMs: number): Exit => {
	const exit = readExit(paths);
	if (exit) return exitOf(exit.code, exit.atMs);
	const supervisor = readStart(paths)?.supervisor;
	const vanished =
		!supervisor || isOfEarlierBoot(supervisor)
			? "the machine was restarted while it ran"
			: "its processes were killed from outside, without leaving an exit code";
	return { exitCode: null, signal: "", vanished, atMs: nowMs };
};
