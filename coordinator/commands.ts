/** What the API may ask of the core. Each answers only after the journal has it. */

import { randomInt } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { PlanView, SubmitRequest } from "#shared/api.ts";
import type { Clock } from "#shared/clock.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
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
/** Shorter than clients wait for an answer. */
const JOURNAL_WITHIN_MS = 20_000;
const FULL_BYTES = 1024 * 1024;

export const createCommands = (state: MeshState, reactor: Reactor, clock: Clock, home: Home): Commands => ({
	submit: async (request, submitter) => {
		const { definition, params } = readSubmission(request);
		const { code, submissionId } = request;
		const runId = newRunId(clock.nowMs(), randomInt(RANDOM_STEPS) / RANDOM_STEPS);
		await journaled(
			reactor.take({ kind: "submitRun", runId, definition, params, submitter, code, submissionId }),
			home,
		);
		const known = state.submissions.get(submissionId);
		if (!known) throw new RunmeshError("RM_INTERNAL", "the submission was not recorded");
		return { runId: known, created: known === runId };
	},
	cancel: (runId, reason) => journaled(reactor.take({ kind: "cancelRun", runId, reason }), home),
	plan: async (request) => planRun(state, request),
	waitReasons: (runId) => waitReasons(state, runId, clock.nowMs()),
});

/** Who asked is told when the journal can't be written. It may still come to pass, so asking again must do no harm. */
const journaled = async (taken: Promise<void>, home: Home): Promise<void> => {
	const late = Promise.withResolvers<never>();
	const timer = setTimeout(async () => late.reject(await whyLate(home)), JOURNAL_WITHIN_MS);
	try {
		await Promise.race([taken, late.promise]);
	} finally {
		clearTimeout(timer);
	}
};

const whyLate = async ({ root }: Home): Promise<RunmeshError> => {
	const disk = await statfs(root).catch(() => null);
	if (disk && disk.bavail * disk.bsize < FULL_BYTES) {
		return new RunmeshError(
			"RM_DISK_FULL",
			`the journal can't be written: no space left on the disk that holds ${root}`,
			{
				hint: "free some space: the mesh goes on by itself then",
			},
		);
	}
	return new RunmeshError("RM_UNAVAILABLE", `the journal has not taken it within ${JOURNAL_WITHIN_MS / 1000} s`, {
		hint: "look at the nats-server's log; the same call may be made again",
	});
};
