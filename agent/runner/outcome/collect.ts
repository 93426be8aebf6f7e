/** Makes an attempt's outcome from what it left: how it ended, its outputs, its metrics. */

import type { BlobStore } from "#shared/blobs/store.ts";
import { readManifest } from "#shared/blobs/tree.ts";
import type { CodeUse, Task } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import type { Ending } from "../../core/commands.ts";
import { type FinishedBody, identityOf } from "../../core/state.ts";
import { sizeOf } from "../../logs/spool.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { readCodeUse } from "../setup/code-use.ts";
import { readMetrics } from "./metrics.ts";
import { captureOutputs } from "./outputs.ts";
import { judge } from "./verdict.ts";

export const collectOutcome = async (
	task: Task,
	paths: AttemptPaths,
	ending: Ending,
	store: BlobStore,
	agentId: AgentId,
): Promise<FinishedBody> => {
	const body: FinishedBody = {
		kind: "attemptFinished",
		attempt: identityOf(task),
		outcome: "failed",
		failure: null,
		outputs: [],
		metrics: [],
		startedAtMs: 0,
		finishedAtMs: 0,
		logBytes: 0,
		logDroppedBytes: 0,
		codeUse: null,
		usage: null,
	};
	if (ending.kind === "unstarted") {
		return { ...body, outcome: ending.outcome, failure: ending.failure, finishedAtMs: ending.atMs };
	}
	const verdict = await judge(ending, paths);
	const taken =
		verdict.outcome === "succeeded"
			? await captureOutputs(task, paths, store, agentId)
			: { outputs: [], failure: verdict.failure };
	const outcome = taken.failure && verdict.outcome === "succeeded" ? "failed" : verdict.outcome;
	return {
		...body,
		outcome,
		failure: taken.failure,
		outputs: taken.outputs,
		metrics: sizeOf(paths.metrics) === 0 ? [] : await readMetrics(paths.metrics).catch(() => []),
		startedAtMs: ending.startedAtMs,
		finishedAtMs: ending.exit.atMs,
		logBytes: sizeOf(paths.stdout) + sizeOf(paths.stderr),
		// After the outputs: one that is a piece of the code was read by now.
		codeUse: outcome === "succeeded" ? await codeUseOf(task, paths, store) : null,
	};
};

/** What can't be told costs a cached result, not the outcome. */
const codeUseOf = async (
	{ trackCode, code, action }: Task,
	paths: AttemptPaths,
	store: BlobStore,
): Promise<CodeUse | null> => {
	if (!trackCode || !code || action.kind !== "command") return null;
	try {
		return await readCodeUse(paths, await readManifest(store, code.digest), action.workdir);
	} catch {
		return null;
	}
};
