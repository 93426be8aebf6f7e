/**
 * What an attempt's files say. They are written in this order, so that an agent that dies on any line learns at its
 * next start what has happened, and no command starts twice:
 *
 *   task.bin      Whole from the moment the folder (or the file) gets its name; only then is the task acknowledged.
 *                 Before that nothing is ours and the leader sends again. Not synced: a power cut loses it at worst
 *                 together with all that ran, and the leader, to whom no heartbeat shows the attempt any more, sends
 *                 the task again. One of before a restart of the machine that never began is not trusted, for that
 *                 reason: of a file that is written over, a part may be an earlier task's.
 *   environment.json  Before the launch, for an attempt that brings packages: which of the environments it uses, and how
 *                 much of its stderr told of the making (environments/record.ts).
 *   devices.json  Before the launch, for an attempt that was given GPUs: which.
 *   code-marks.json  Before the launch, for an attempt whose reads of the code are to be told: they show from here on.
 *                 Without it, or after a restart of the machine, they are not told (setup/code-use.ts).
 *   launch.sh     Before the launch. Its first line names the attempt and the supervisor that is told of it, the rest is
 *                 what that one runs. This is what makes an attempt run once: a supervisor that is not named leaves it,
 *                 and another is named only when the one before is gone without having started it. Its second line tells
 *                 the next agent of the attempt's box (limits/box-record.ts).
 *   process       By the supervisor: a line before the command starts, a line when it has ended. A line counts when it
 *                 ends in a newline. Behind the second stands the CPU time that it and what it ran have taken. When the
 *                 supervisor is gone without the second, someone killed both, or the machine was restarted.
 *   stop.json     Before a stop's first signal: a restarted agent goes on with the stop and knows why it ended.
 *   pause.json    Before an attempt is made to stand still, and after it was let go on: since when, and for how long it did
 *                 before. An agent that died between continues it, or makes it stand still again, and counts some time
 *                 too much for paused.
 *   outcome.bin   Staged, renamed and synced; only then is the outcome reported. Lost, it is made again from process,
 *                 outputs and metrics, to the same digests. A short success without outputs has none: to make it again
 *                 costs nothing.
 *
 * A folder may have been another attempt's (folders.ts): what its files say counts for the attempt that they name.
 *
 * The folder goes when the journal has the outcome and the coordinator the logs; settled.ts keeps the id.
 */

import { closeSync, fsync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Report, Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { reportCodec, taskCodec } from "#shared/wire/codec.ts";
import { neverPaused } from "../../core/pausing.ts";
import type { FinishedBody, Pause, Stop } from "../../core/state.ts";
import { createAnew } from "../../system/plain-file.ts";
import { readAs, readJson, replaceFile, writeOver } from "./file.ts";
import type { AttemptPaths } from "./paths.ts";

/** Into a folder of its own: a spare one with all it needs, or one that is there already. */
export const writeTask = (paths: AttemptPaths, task: Task, spare: string | null): void => {
	const bytes = taskCodec.encode(task);
	if (spare !== null) {
		writeOver(`${spare}/task.bin`, bytes);
		renameSync(spare, paths.folder);
		return;
	}
	mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
	replaceFile(paths.task, bytes);
};

export const writeDevices = (paths: AttemptPaths, gpuIds: string[]): void =>
	writeFileSync(paths.devices, JSON.stringify(gpuIds));

export const writeStop = (paths: AttemptPaths, stop: Stop): void => replaceFile(paths.stop, JSON.stringify(stop));

/** Before the first of its processes stands still, and once they go on: an agent that is restarted lets none lie. */
export const writePause = (paths: AttemptPaths, pause: Pause): void => replaceFile(paths.pause, JSON.stringify(pause));

/** Only the wait for the disk is worth leaving the loop for. */
export const writeOutcome = async (paths: AttemptPaths, agentId: AgentId, outcome: FinishedBody): Promise<void> => {
	const report: Report = { reportId: "", agentId, atMs: outcome.finishedAtMs, body: outcome };
	const staged = `${paths.outcome}.new`;
	const file = createAnew(staged);
	try {
		writeFileSync(file, reportCodec.encode(report));
		renameSync(staged, paths.outcome);
		await synced(file);
	} finally {
		closeSync(file);
	}
};

const synced = promisify(fsync);

/** null when there is none, or what is there is not whole. */
export const readTask = (paths: AttemptPaths): Task | null =>
	readAs(paths.task, (bytes) => {
		const task = taskCodec.decode(bytes);
		return paths.folder.endsWith(`/${task.attemptId}`) ? task : null;
	});

export const readDevices = (paths: AttemptPaths): string[] =>
	readAs(paths.devices, (bytes) => JSON.parse(bytes.toString()) as string[]) ?? [];

export const readStop = (paths: AttemptPaths): Stop | null =>
	readAs(paths.stop, (bytes) => JSON.parse(bytes.toString()) as Stop);

/** Of one that never stood still, or of which nobody can say for how long, the timeout runs. */
export const readPause = (paths: AttemptPaths): Pause => {
	const pause = readJson<Pause>(paths.pause);
	const isWhole = Number.isFinite(pause?.beforeMs) && (pause?.sinceMs === null || Number.isFinite(pause?.sinceMs));
	return isWhole && pause ? pause : neverPaused;
};

export const readOutcome = (paths: AttemptPaths, task: Task): FinishedBody | null =>
	readAs(paths.outcome, (bytes) => {
		const { body } = reportCodec.decode(bytes);
		return body.kind === "attemptFinished" && body.attempt.attemptId === task.attemptId ? body : null;
	});
