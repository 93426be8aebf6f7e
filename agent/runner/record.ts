/**
 * What an attempt's files say. They are written in this order, so that an agent that dies on any line learns at its
 * next start what has happened, and no command starts twice:
 *
 *   task.bin      Whole from the moment the folder (or the file) gets its name; only then is the task acknowledged.
 *                 Before that nothing is ours and the leader sends again. Not synced: a power cut loses it at worst
 *                 together with all that ran, and the leader, to whom no heartbeat shows the attempt any more, sends
 *                 the task again.
 *   devices.json  Before the launch, for an attempt that was given GPUs: which.
 *   launch.sh     Before the launch: what the supervisor reads to start the command.
 *   process       By the supervisor, before the command, created exclusively: who it is, under which boot. This is
 *                 what makes an attempt run once: a second supervisor finds it and ends. So whoever finds none, and
 *                 no process that carries the attempt's name, may launch (again): whichever supervisor comes first
 *                 runs the command, and no other does.
 *   stop.json     Before a stop's first signal: a restarted agent goes on with the stop and knows why it ended.
 *   exit          By the supervisor, when the command ended: one write, whole when it ends in a newline. When the
 *                 process is gone without it, someone killed both, or the machine was restarted.
 *   outcome.bin   Staged, renamed and synced; only then is the outcome reported. Lost, it is made again from exit,
 *                 outputs and metrics, to the same digests.
 *
 * The folder goes when the journal has the outcome and the coordinator the logs; settled.ts keeps the id.
 */

import { closeSync, fsync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { Report, Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import { reportCodec, taskCodec } from "#shared/wire/codec.ts";
import type { FinishedBody, Stop } from "../core/state.ts";
import type { AttemptPaths } from "./paths.ts";
import { parseClaim } from "./process.ts";

/** Into a folder of its own: a spare one with all it needs, or one that is there already. */
export const writeTask = (paths: AttemptPaths, task: Task, spare: string | null): void => {
	const bytes = taskCodec.encode(task);
	if (spare !== null) {
		writeFileSync(`${spare}/task.bin`, bytes);
		renameSync(spare, paths.folder);
		return;
	}
	mkdirSync(paths.folder, { recursive: true, mode: 0o700 });
	const staged = `${paths.task}.new`;
	writeFileSync(staged, bytes, { mode: 0o600 });
	renameSync(staged, paths.task);
};

export const writeDevices = (paths: AttemptPaths, gpuIds: string[]): void =>
	writeFileSync(paths.devices, JSON.stringify(gpuIds));

export const writeStop = (paths: AttemptPaths, stop: Stop): void => {
	const staged = `${paths.stop}.new`;
	writeFileSync(staged, JSON.stringify(stop));
	renameSync(staged, paths.stop);
};

/** Only the wait for the disk is worth leaving the loop for. */
export const writeOutcome = async (paths: AttemptPaths, agentId: AgentId, outcome: FinishedBody): Promise<void> => {
	const report: Report = { reportId: "", agentId, atMs: outcome.finishedAtMs, body: outcome };
	const staged = `${paths.outcome}.new`;
	const file = openSync(staged, "w", 0o600);
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

export interface Claim {
	/** null when it can't be read: written in the last moments before a power cut. */
	supervisor: ProcessIdentity | null;
	startedAtMs: number;
}

/** null when the command never began. */
export const readClaim = (paths: AttemptPaths): Claim | null => {
	const written = statSync(paths.process, { throwIfNoEntry: false });
	if (!written) return null;
	const supervisor = readAs(paths.process, (bytes) => parseClaim(bytes.toString()));
	return { supervisor, startedAtMs: Math.round(written.mtimeMs) };
};

export const readExit = (paths: AttemptPaths): { code: number; atMs: number } | null =>
	readAs(paths.exit, (bytes) => {
		const whole = /^(\d{1,3})\n$/.exec(bytes.toString());
		return whole ? { code: Number(whole[1]), atMs: Math.round(statSync(paths.exit).mtimeMs) } : null;
	});

export const readOutcome = (paths: AttemptPaths, task: Task): FinishedBody | null =>
	readAs(paths.outcome, (bytes) => {
		const { body } = reportCodec.decode(bytes);
		return body.kind === "attemptFinished" && body.attempt.attemptId === task.attemptId ? body : null;
	});

const readAs = <T>(path: string, parse: (bytes: Buffer) => T | null): T | null => {
	let bytes: Buffer;
	try {
		bytes = readFileSync(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	try {
		return parse(bytes);
	} catch {
		return null;
	}
};
