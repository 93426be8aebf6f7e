/** Ends what is left of an attempt, makes its outcome and puts that on disk: from here on it can only be reported. */

import { rm } from "node:fs/promises";
import type { Task, Usage } from "#shared/domain.ts";
import type { Ending } from "../../core/commands.ts";
import type { FinishedBody } from "../../core/state.ts";
import { blameDevices } from "../../gpu/blame.ts";
import { toFailure } from "../failure.ts";
import { modifiedAtMs } from "../files/file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { readDevices, writeOutcome } from "../files/record.ts";
import type { Held } from "../held.ts";
import type { RunnerOptions, RunnerParts } from "../parts.ts";
import { collectOutcome } from "./collect.ts";
import { nameOutOfMemory, usageFrom } from "./usage.ts";

/** `ending` is how it ended by what its supervisor has told. */
export const conclude = async (
	task: Task,
	ending: Ending,
	held: Held,
	parts: RunnerParts,
	options: RunnerOptions,
): Promise<FinishedBody> => {
	const { clock, store, agentId } = options;
	const { paths } = held;
	let outcome: FinishedBody;
	try {
		outcome = await makeOutcome(task, ending, held, parts, options);
	} catch (error) {
		const failure = toFailure(error, "error", "the outcome can't be collected");
		const unstarted = { kind: "unstarted", outcome: "failed", failure, atMs: clock.nowMs() } as const;
		outcome = await collectOutcome(task, paths, unstarted, store, agentId);
	}
	if (!isSoonMadeAgain(task, outcome)) await storeOutcome(task, paths, outcome, parts, options);
	return outcome;
};

const makeOutcome = async (
	task: Task,
	seen: Ending,
	held: Held,
	{ containers, processes }: RunnerParts,
	{ agentId, store, deviceUse, examineDevices, warn }: RunnerOptions,
): Promise<FinishedBody> => {
	const { attemptId } = task;
	const { paths, log, acceptedAtMs } = held;
	const ended = await containers.end(attemptId, paths, seen);
	let { ending } = ended;
	let usage: Usage | null = null;
	if (ending.kind === "exited") {
		const { found, taken } = await processes.end(attemptId, paths, ending.exit.exitCode);
		held.isOver = found === "none" || found === "ended";
		if (found === "living") warn(`processes of ${attemptId} would not end`, null);
		log.finish();
		ending = nameOutOfMemory(ending, taken);
		const container = task.image === "" ? null : { ...ended.usage, limits: ended.limits };
		const since = { acceptedAtMs: acceptedAtMs || modifiedAtMs(paths.task), startedAtMs: ending.startedAtMs };
		usage = usageFrom({ taken, container, devices: deviceUse(attemptId), ...since });
	} else if (log.isFollowed()) log.finish();
	const outcome = { ...(await collectOutcome(task, paths, ending, store, agentId)), usage };
	return task.resources.gpu ? blameDevices(outcome, readDevices(paths), examineDevices) : outcome;
};

/** What took no longer, and left nothing but its end, is not worth a write that waits for the disk. */
const SHORT_MS = 1_000;

const isSoonMadeAgain = (task: Task, { outcome, startedAtMs, finishedAtMs }: FinishedBody): boolean =>
	outcome === "succeeded" && task.outputs.length === 0 && !task.trackCode && finishedAtMs - startedAtMs < SHORT_MS;

/**
 * What the attempt worked with may be what fills the disk, and the journal, which is waited for next, needs room: it
 * goes at once. Only outputs stay that the outcome must be made from again, should it not have been written.
 */
const storeOutcome = async (
	task: Task,
	paths: AttemptPaths,
	outcome: FinishedBody,
	{ trash }: RunnerParts,
	{ agentId, warn }: RunnerOptions,
): Promise<void> => {
	const used = [paths.work, paths.inputs];
	const failed = outcome.outcome !== "succeeded";
	const remove = (folder: string): Promise<void> =>
		rm(folder, { recursive: true, force: true }).catch((error) => warn(`${folder} could not be removed`, error));
	try {
		await writeOutcome(paths, agentId, outcome);
		if (failed || task.outputs.length > 0) for (const folder of [...used, paths.outputs]) trash.discard(folder);
	} catch {
		for (const folder of failed ? [...used, paths.outputs] : used) await remove(folder);
		await writeOutcome(paths, agentId, outcome).catch((error) =>
			warn(`${paths.outcome} could not be written; the outcome is reported from memory`, error),
		);
	}
};
