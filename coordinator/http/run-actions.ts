/** What may be asked of a run that is there: cancel, retry, approval of a step, and why it is as it is. */

import { z } from "zod";
import type { ApprovalRequest, CancelRequest, RetryRequest, RunDetail } from "#shared/api.ts";
import type { RunId } from "#shared/ids.ts";
import { explain } from "../explain/explain.ts";
import type { HttpDeps } from "./deps.ts";
import { answerSubmitted, projected, SUBMITTER } from "./run-answers.ts";
import { type Api, countSchema, runParams, runRefSchema, stepKeySchema, wordsSchema } from "./validation.ts";

const cancelSchema: z.ZodType<{ reason?: CancelRequest["reason"] | undefined } | null | undefined> = z
	.strictObject({ reason: wordsSchema.optional() })
	.nullish();
const stepParams = z.strictObject({ run: runRefSchema, step: stepKeySchema() });

const retrySchema: z.ZodType<RetryRequest> = z.strictObject({
	failedOnly: z.boolean().default(true),
	submissionId: z.string().min(1).max(128),
});

const approvalSchema: z.ZodType<ApprovalRequest> = z.strictObject({
	approved: z.boolean(),
	comment: wordsSchema.default(""),
});

const explainSchema = z.strictObject({
	step: stepKeySchema().optional(),
	attempt: countSchema(1, 1_000_000).optional(),
});

const CANCELLED = "cancelled by the user";

export const runActionRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, commands } = deps;

	app.post(
		"/runs/:run/cancel",
		{ schema: { params: runParams, body: cancelSchema }, config: { summary: "Cancel a run" } },
		async ({ params, body }) => {
			const runId = store.resolveRun(params.run);
			await commands.cancel(runId, body?.reason || CANCELLED);
			return projected(deps, runId, ({ state }) => state !== "running" && state !== "queued");
		},
	);

	app.post(
		"/runs/:run/retry",
		{ schema: { params: runParams, body: retrySchema }, config: { summary: "Run again what did not succeed, or all" } },
		async ({ params, body }, reply) => {
			const runId = store.resolveRun(params.run);
			return answerSubmitted(deps, reply, await commands.retry(runId, body, SUBMITTER));
		},
	);

	app.post(
		"/runs/:run/steps/:step/cancel",
		{ schema: { params: stepParams, body: cancelSchema }, config: { summary: "Cancel a step; the run goes on" } },
		async ({ params, body }) => {
			const runId = store.resolveRun(params.run);
			await commands.cancelStep(runId, params.step, body?.reason || CANCELLED);
			return projected(deps, runId, () => true);
		},
	);

	app.post(
		"/runs/:run/steps/:step/approve",
		{
			schema: { params: stepParams, body: approvalSchema },
			config: { summary: "Approve or reject a step that waits for it" },
		},
		async ({ params, body }) => {
			const runId = store.resolveRun(params.run);
			await commands.approve(runId, params.step, body, SUBMITTER);
			return projected(deps, runId, (run) => stateOf(run, params.step) !== "held");
		},
	);

	app.get(
		"/runs/:run/explain",
		{
			schema: { params: runParams, querystring: explainSchema },
			config: { summary: "Why a run, a step or an attempt is as it is" },
		},
		async ({ params, query }) => {
			const runId = store.resolveRun(params.run);
			const waits = (id: RunId) => commands.waits(id);
			return explain({ store, waits, nowMs: Date.now() }, runId, query);
		},
	);
};

const stateOf = (run: RunDetail, key: string): string | undefined =>
	run.stepList.find((step) => step.key === key)?.state;
