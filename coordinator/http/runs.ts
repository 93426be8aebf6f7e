/** Submitting, planning, listing, showing and cancelling runs, and the metrics of one. */

import { z } from "zod";
import type { RunDetail, RunState, SubmitRequest } from "#shared/api.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import { createCommitWatch } from "./commit-watch.ts";
import type { HttpDeps } from "./deps.ts";
import { type Api, countSchema, digestSchema, nameSchema, runParams, runRefSchema } from "./validation.ts";

const PIPELINE_MAX_BYTES = 256 * 1024;
const PARAMS_MAX = 1_000;
const PAGE_DEFAULT = 50;
const PAGE_MAX = 1_000;
/** How long the read store may stay behind the journal before an answer comes without it. */
const PROJECTION_MS = 5_000;
/** There is one token yet, so one name for whoever holds it. */
const SUBMITTER = "admin";

const sizeSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const artifactRefSchema: z.ZodType<ArtifactRef> = z.strictObject({
	name: z.string().max(200),
	digest: digestSchema,
	sizeBytes: sizeSchema,
	fileCount: sizeSchema,
	holders: z.array(nameSchema).max(1_000),
});

const submitSchema: z.ZodType<SubmitRequest> = z.strictObject({
	pipeline: z.string(),
	file: z.string().max(4_096),
	params: z
		.record(z.string().max(200), z.union([z.string(), z.number(), z.boolean()]))
		.refine((params) => Object.keys(params).length <= PARAMS_MAX, { error: `at most ${PARAMS_MAX} parameters` }),
	code: artifactRefSchema.nullable(),
	submissionId: z.string().min(1).max(128),
});

const states = ["running", "cancelling", "succeeded", "failed", "cancelled"] as const satisfies RunState[];

const listSchema = z.strictObject({
	state: z.enum(states).optional(),
	pipeline: nameSchema.optional(),
	limit: countSchema(1, PAGE_MAX).default(PAGE_DEFAULT),
	before: runRefSchema.optional(),
});

const cancelSchema = z.strictObject({ reason: z.string().max(1_000).optional() }).nullish();

export const runRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, commands } = deps;

	app.post(
		"/runs",
		{ schema: { body: submitSchema }, config: { summary: "Submit a run: 201, or 200 when its submissionId is known" } },
		async ({ body }, reply) => {
			checkPipelineSize(body);
			if (body.code && (await deps.blobs.sizeOf(body.code.digest)) === null) {
				throw new RunmeshError("RM_CONFLICT", `the code's manifest ${body.code.digest} is not here`, {
					hint: "upload the files and the manifest first",
				});
			}
			const { runId, created } = await commands.submit(body, SUBMITTER);
			const run = await projected(deps, runId, () => true);
			if (!run) throw new RunmeshError("RM_UNAVAILABLE", `run ${runId} is accepted, and can't be shown yet`);
			return reply.code(created ? 201 : 200).send(run);
		},
	);

	app.post(
		"/plan",
		{ schema: { body: submitSchema }, config: { summary: "Where each step would go on the mesh as it is now" } },
		async ({ body }) => {
			checkPipelineSize(body);
			return commands.plan(body);
		},
	);

	app.get(
		"/runs",
		{ schema: { querystring: listSchema }, config: { summary: "A page of runs, the newest first" } },
		async ({ query }) => store.runs(query),
	);

	app.get(
		"/runs/:run",
		{ schema: { params: runParams }, config: { summary: "A run with all its steps" } },
		async ({ params }) => withReasons(deps, store.run(store.resolveRun(params.run))),
	);

	app.post(
		"/runs/:run/cancel",
		{ schema: { params: runParams, body: cancelSchema }, config: { summary: "Cancel a run" } },
		async ({ params, body }) => {
			const runId = store.resolveRun(params.run);
			await commands.cancel(runId, body?.reason ?? "cancelled by the user");
			return projected(deps, runId, ({ state }) => state !== "running");
		},
	);

	app.get(
		"/runs/:run/metrics",
		{
			schema: { params: runParams, querystring: z.strictObject({ name: z.string().max(200).optional() }) },
			config: { summary: "Metric series of a run's attempts" },
		},
		async ({ params, query }) => store.metrics(store.resolveRun(params.run), query.name),
	);
};

const checkPipelineSize = ({ pipeline }: SubmitRequest): void => {
	const bytes = Buffer.byteLength(pipeline);
	if (bytes <= PIPELINE_MAX_BYTES) return;
	throw new RunmeshError("RM_TOO_LARGE", `the pipeline file has ${bytes} bytes, ${PIPELINE_MAX_BYTES} are allowed`);
};

/** The read store knows what happened; why something does not happen yet, only the core. */
const withReasons = ({ commands }: HttpDeps, run: RunDetail | null): RunDetail | null => {
	if (!run || run.finishedAtMs !== null) return run;
	const reasons = commands.waitReasons(run.id);
	for (const step of run.stepList) step.reason = reasons.get(step.key) ?? step.reason;
	return run;
};

/** The run, once the read store shows what the journal has already. */
const projected = async (
	{ store, committed }: HttpDeps,
	runId: RunId,
	isCurrent: (run: RunDetail) => boolean,
): Promise<RunDetail | null> => {
	const watch = createCommitWatch(committed, AbortSignal.timeout(PROJECTION_MS));
	try {
		for (;;) {
			const run = store.run(runId);
			if ((run && isCurrent(run)) || !(await watch.next())) return run;
		}
	} finally {
		watch.stop();
	}
};
