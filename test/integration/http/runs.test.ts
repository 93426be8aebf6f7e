import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Commands } from "#coordinator/commands.ts";
import type { Page, ProblemView, RunDetail, RunSummary, SubmitRequest } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import { commandsOf, postJson, startTestApi, type TestApi } from "#test/support/http-api.ts";
import { artifactOf, createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const RUN = "r0000000000001" as RunId;
const one = pipelineOf("digits", [stepOf("train")]);
const request: SubmitRequest = {
	pipeline: "name: digits",
	file: "digits.yaml",
	params: {},
	code: null,
	submissionId: "s1",
	files: {},
	cache: "use",
	reuse: null,
};

let api: TestApi;
const start = async (commands: Partial<Commands> = {}): Promise<void> => {
	api = await startTestApi({ commands: commandsOf(commands) });
};
beforeEach(() => start());
afterEach(() => api.close());

const problem = async (path: string, init?: RequestInit): Promise<ProblemView> => {
	const response = await api.call(path, init);
	expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
	const view = (await response.json()) as ProblemView;
	expect(view.status).toBe(response.status);
	return view;
};

describe("submitting", () => {
	it("answers 201 with the run once the read side has it, 200 for the same submission again", async () => {
		await api.close();
		const story = createStory(RUN);
		const asked: { submission: SubmitRequest; submitter: string }[] = [];
		await start({
			submit: async (submission, submitter) => {
				asked.push({ submission, submitter });
				const created = asked.length === 1;
				// The journal has it before the read side does.
				if (created) setImmediate(() => api.commit(story.submitted(one)));
				return { runId: RUN, created };
			},
		});
		const first = await api.call("/runs", postJson(request));
		expect(first.status).toBe(201);
		expect(await first.json()).toMatchObject({ id: RUN, state: "running", stepList: [{ key: "train" }] });
		const again = await api.call("/runs", postJson(request));
		expect(again.status).toBe(200);
		expect(asked[0]).toEqual({ submission: request, submitter: "admin" });
	});

	it("passes on what the core says, with every problem of the file", async () => {
		await api.close();
		const problems = [{ file: "digits.yaml", line: 3, column: 5, path: "steps.a", message: "no run", hint: "add run" }];
		await start({
			submit: () =>
				Promise.reject(new RunmeshError("RM_PIPELINE_INVALID", "digits.yaml: 1 problem", { details: problems })),
			plan: () => Promise.reject(new RunmeshError("RM_NOT_LEADER", "another leads now", { hint: "try again" })),
		});
		expect(await problem("/runs", postJson(request))).toMatchObject({
			status: 422,
			code: "RM_PIPELINE_INVALID",
			problems,
		});
		const response = await api.call("/plan", postJson(request));
		expect(response.headers.get("retry-after")).toBe("1");
		expect(await response.json()).toMatchObject({ status: 503, code: "RM_NOT_LEADER", hint: "try again" });
	});

	it("refuses what is too large, wrong or incomplete before the core sees it", async () => {
		const refuse = async (body: unknown) => {
			const { code, detail } = await problem("/runs", postJson(body));
			return `${code} ${detail}`;
		};
		expect(await refuse({ ...request, pipeline: "é".repeat(130 * 1024) })).toMatch(/^RM_TOO_LARGE.*266240 bytes/);
		expect(await refuse({ ...request, pipeline: "x".repeat(1024 * 1024) })).toMatch(/^RM_TOO_LARGE/);
		const params = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`p${index}`, index]));
		expect(await refuse({ ...request, params })).toBe("RM_BAD_INPUT body.params: at most 1000 parameters");
		expect(await refuse({ ...request, params: { a: [1] } })).toMatch(/^RM_BAD_INPUT body\.params\.a/);
		expect(await refuse({ ...request, submissionId: "" })).toMatch(/^RM_BAD_INPUT body\.submissionId/);
		expect(await refuse({ ...request, extra: 1 })).toMatch(/^RM_BAD_INPUT/);
		expect(await refuse([])).toMatch(/^RM_BAD_INPUT/);
		expect(await refuse({ ...request, code: artifactOf("code", "a", ["coordinator"]) })).toMatch(/^RM_CONFLICT/);
		expect(await refuse({ ...request, code: { ...artifactOf("code", "a"), digest: "sha256:../.." } })).toMatch(
			/digest/,
		);
		const headers = { "content-type": "application/json" };
		expect(await problem("/runs", { method: "POST", headers, body: "{" })).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem("/runs", { method: "POST", body: "name: x" })).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem("/runs", { method: "POST" })).toMatchObject({ code: "RM_BAD_INPUT" });
	});

	it("keeps what went wrong inside to itself", async () => {
		await api.close();
		await start({ plan: () => Promise.reject(new Error("/secret/path is broken")) });
		const response = await api.call("/plan", postJson(request));
		const text = await response.text();
		expect(response.status).toBe(500);
		expect(JSON.parse(text)).toMatchObject({ code: "RM_INTERNAL" });
		expect(text).not.toMatch(/secret|\.ts|at /);
	});
});

describe("reading", () => {
	it("lists by page and filter, and shows one by a short name", async () => {
		for (let index = 0; index < 7; index++) {
			const story = createStory(`ra${index}`, 1_000 + index);
			api.commit(story.submitted(index % 2 === 0 ? one : pipelineOf("other", [stepOf("a")])));
		}
		const page = await api.json<Page<RunSummary>>("/runs?limit=3");
		expect(page.items.map(({ id }) => id)).toEqual(["ra6", "ra5", "ra4"]);
		const next = await api.json<Page<RunSummary>>(`/runs?limit=3&before=${page.next}`);
		expect(next.items.map(({ id }) => id)).toEqual(["ra3", "ra2", "ra1"]);
		expect((await api.json<Page<RunSummary>>("/runs?pipeline=other&state=running")).items).toHaveLength(3);
		expect((await api.json<RunDetail>("/runs/latest")).id).toBe("ra6");
		expect((await api.json<RunDetail>("/runs/ra3")).pipeline).toBe("other");
		expect(await problem("/runs/ra")).toMatchObject({ status: 409, code: "RM_AMBIGUOUS" });
		expect(await problem("/runs/x")).toMatchObject({ status: 404, code: "RM_NOT_FOUND" });
		expect(await problem("/runs/x/metrics")).toMatchObject({ status: 404 });
		expect(await problem("/runs/x/artifacts")).toMatchObject({ status: 404 });
	});

	it("cancels, and answers with the run as it is then", async () => {
		await api.close();
		const story = createStory(RUN);
		const reasons: string[] = [];
		await start({
			cancel: async (_run, reason) => {
				reasons.push(reason);
				setImmediate(() => api.commit(story.cancelRequested()));
			},
		});
		api.commit(story.submitted(one));
		expect(await api.json("/runs/latest/cancel", postJson({}))).toMatchObject({ state: "cancelling" });
		expect(await api.json("/runs/latest/cancel", postJson({ reason: "enough" }))).toMatchObject({ id: RUN });
		expect((await api.call("/runs/latest/cancel", { method: "POST" })).status).toBe(200);
		expect(reasons).toEqual(["cancelled by the user", "enough", "cancelled by the user"]);
	});
});
