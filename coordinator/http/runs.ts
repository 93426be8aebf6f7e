/** Submitting, planning, listing and showing runs, and the metrics of one. */

import { z } from "zod";
import type { ReuseRequest, RunDetail, RunState, SubmitRequest } from "#shared/api.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import type { HttpDeps } from "./deps.ts";
import { answerSubmitted, SUBMITTER } from "./run-answers.ts";
import {
	type Api,
	countSchema,
	digestSchema,
	nameSchema,
	runParams,
	runRefSchema,
	stepNameSchema,
} from "./validation.ts";

const PIPELINE_MAX_BYTES = 256 * 1024;
const FILES_MAX = 64;
/** All that a submission may name, and what JSON makes of it. */
const SUBMISSION_MAX_BYTES = 24 * 1024 * 1024;
const PARAMS_MAX = 1_000;
const STEPS_NAMED_MAX = 1_000;
const PAGE_DEFAULT = 50;
const PAGE_MAX = 1_000;

const sizeSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const artifactRefSchema: z.ZodType<ArtifactRef> = z.strictObject({
	name: z.string().max(200),
	digest: digestSchema,
	sizeBytes: sizeSchema,
	fileCount: sizeSchema,
	holders: z.array(nameSchema).max(1_000),
});

const reuseSchema: z.ZodType<ReuseRequest> = z.strictObject({
	run: runRefSchema,
	mode: z.enum(["failed", "from", "only"]),
	steps: z.array(stepNameSchema).max(STEPS_NAMED_MAX),
});

const submitSchema: z.ZodType<SubmitRequest> = z.strictObject({
	pipeline: z.string(),
	file: z.string().max(4_096),
	params: z
		.record(z.string().max(200), z.union([z.string(), z.number(), z.boolean()]))
		.refine((params) => Object.keys(params).length <= PARAMS_MAX, { error: `at most ${PARAMS_MAX} parameters` }),
	code: artifactRefSchema.nullable(),
	submissionId: z.string().min(1).max(128),
	files: z
		.record(z.string().min(1).max(4_096), z.string())
		.refine((files) => Object.keys(files).length <= FILES_MAX, { error: `at most ${FILES_MAX} files` })
		.default({}),
	cache: z.enum(["use", "refresh", "off"]).default("use"),
	reuse: reuseSchema.nullable().default(null),
});

const states = ["queued", "running", "cancelling", "succeeded", "failed", "cancelled"] as const satisfies RunState[];

const timeSchema = countSchema(0, Number.MAX_SAFE_INTEGER);
const SEARCH_MAX = 200;

const listSchema = z.strictObject({
	state: z.enum(states).optional(),
	pipeline: nameSchema.optional(),
	submitter: z.string().max(200).optional(),
	since: timeSchema.optional(),
	until: timeSchema.optional(),
	search: z.string().max(SEARCH_MAX).optional(),
	limit: countSchema(1, PAGE_MAX).default(PAGE_DEFAULT),
	before: runRefSchema.optional(),
});

export const runRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, commands } = deps;

	app.post(
		"/runs",
		{
			bodyLimit: SUBMISSION_MAX_BYTES,
			schema: { body: submitSchema },
			config: { summary: "Submit a run: 201, or 200 when its submissionId is known" },
		},
		async ({ body }, reply) => {
			checkSizes(body);
			if (body.code && (await deps.blobs.sizeOf(body.code.digest)) === null) {
				throw new RunmeshError("RM_CONFLICT", `the code's manifest ${body.code.digest} is not here`, {
					hint: "upload the files and the manifest first",
				});
			}
			return answerSubmitted(deps, reply, await commands.submit(body, SUBMITTER));
		},
	);

	app.post(
		"/plan",
		{
			bodyLimit: SUBMISSION_MAX_BYTES,
			schema: { body: submitSchema },
			config: { summary: "Where each step would go on the mesh as it is now" },
		},
		async ({ body }) => {
			checkSizes(body);
			return commands.plan(body);
		},
	);

	app.get(
		"/runs",
		{
			schema: { querystring: listSchema },
			config: { summary: "A page of runs, the newest first; search takes beginnings of words" },
		},
		async ({ query }) => store.runs(query),
	);

	app.get(
		"/runs/:run",
		{ schema: { params: runParams }, config: { summary: "A run with all its steps" } },
		async ({ params }) => withReasons(deps, store.run(store.resolveRun(params.run))),
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

const checkSizes = ({ pipeline, file, files }: SubmitRequest): void => {
	for (const [name, text] of [[file, pipeline] as const, ...Object.entries(files)]) {
		const bytes = Buffer.byteLength(text);
		if (bytes <= PIPELINE_MAX_BYTES) continue;
		throw new RunmeshError(
			"RM_TOO_LARGE",
			`${name} has ${bytes} bytes, a pipeline file may have ${PIPELINE_MAX_BYTES}`,
		);
	}
};

/** The read store knows what happened; why something does not happen yet, only the core. */
const withReasons = ({ commands }: HttpDeps, run: RunDetail | null): RunDetail | null => {
	if (!run || run.finishedAtMs !== null) return run;
	if (run.state === "queued") {
		const [turn] = [...commands.waits(run.id as RunId).values()].flat();
		run.reason = turn?.what ?? run.reason;
	}
	const reasons = commands.waitReasons(run.id as RunId);
	for (const step of run.stepList) step.reason = reasons.get(step.key) ?? step.reason;
	return run;
};
