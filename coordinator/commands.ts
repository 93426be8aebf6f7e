/** What the API may ask of the core. Each answers only after the journal has it. */

import { randomInt } from "node:crypto";
import type { PlanView, SubmitRequest } from "#shared/api.ts";
import type { Clock } from "#shared/clock.ts";
import { RunmeshError } from "#shared/errors.ts";
import { newRunId, type RunId } from "#shared/ids.ts";
import type { MeshState } from "./core/state.ts";
import { planRun } from "./plan.ts";
import type { Reactor } from "./reactor.ts";
import { readSubmission } from "./submission.ts";
import { waitReasons } from "./waiting.ts";

export interface Commands {
	submit(request: SubmitRequest, submitter: string): Promise<{ runId: RunId; created: boolean }>;
	cancel(runId: RunId, reason: string): Promise<void>;
	plan(request: SubmitRequest): Promise<PlanView>;
	/** Why ready steps of a run wait, by step key. */
	waitReasons(runId: string): Map<string, string>;
}

const RANDOM_STEPS = 2 ** 32;

export const createCommands = (state: MeshState, reactor: Reactor, clock: Clock): Commands => ({
	submit: async (request, submitter) => {
		const { definition, params } = readSubmission(request);
		const { code, submissionId } = request;
		const runId = newRunId(clock.nowMs(), randomInt(RANDOM_STEPS) / RANDOM_STEPS);
		await reactor.take({ kind: "submitRun", runId, definition, params, submitter, code, submissionId });
		const known = state.submissions.get(submissionId);
		if (!known) throw new RunmeshError("RM_INTERNAL", "the submission was not recorded");
		return { runId: known, created: known === runId };
	},
	cancel: (runId, reason) => reactor.take({ kind: "cancelRun", runId, reason }),
	plan: async (request) => planRun(state, request),
	waitReasons: (runId) => waitReasons(state, runId, clock.nowMs()),
});
