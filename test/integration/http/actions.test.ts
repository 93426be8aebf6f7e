import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Commands } from "#coordinator/commands.ts";
import type { ExplainView, Page, ProblemView, RunSummary, SubmitRequest } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import { explainShape } from "#test/support/api-shapes.ts";
import { commandsOf, postJson, startTestApi, type TestApi } from "#test/support/http-api.ts";
import { createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const RUN = "r0000000000001" as RunId;
const definition = pipelineOf("digits", [
	stepOf("train"),
	stepOf("release", { needs: ["train"], action: { kind: "approve", message: "" } }),
]);

let api: TestApi;
let story: Story;
const asked: unknown[][] = [];

/** Notes what it is asked, and commits later what the journal has by then. */
const noted =
	<K extends keyof Commands>(name: K, commit: () => void = () => undefined) =>
	async (...args: unknown[]): Promise<void> => {
		asked.push([name, ...args]);
		setImmediate(commit);
	};

beforeEach(async () => {
	asked.length = 0;
	story = createStory(RUN);
	api = await startTestApi({
		commands: commandsOf({
			cancelStep: noted("cancelStep"),
			approve: noted("approve", () =>
				api.commit(story.settled("release", "succeeded", { reason: "approved by admin" })),
			),
			retry: async (...args) => {
				asked.push(["retry", ...args]);
				const created = asked.length === 1;
				if (created) api.commit(createStory("r2").submitted(definition, { basedOn: RUN }));
				return { runId: "r2" as RunId, created };
			},
			submit: async (request) => {
				asked.push(["submit", request]);
				return { runId: RUN, created: true };
			},
			waits: () =>
				new Map([["release", [{ for: "approval", what: "a person must approve it", sinceMs: 1, blockers: [] }]]]),
		}),
	});
	api.commit(story.submitted(definition), ...story.passed("train"), story.held("release"));
});
afterEach(() => api.close());

const problem = async (path: string, init?: RequestInit): Promise<ProblemView> => {
	const response = await api.call(path, init);
	expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
	return (await response.json()) as ProblemView;
};

describe("steps", () => {
	it("are approved by whoever holds the token, and shown as they are then", async () => {
		const path = "/runs/latest/steps/release/approve";
		const run = await api.json(path, postJson({ approved: true, comment: "good" }));
		expect(asked).toEqual([["approve", RUN, "release", { approved: true, comment: "good" }, "admin"]]);
		expect(run).toMatchObject({ stepList: [{ key: "train" }, { key: "release", state: "succeeded" }] });
		expect(await problem(path, postJson({}))).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem(path, postJson({ approved: "yes" }))).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem("/runs/latest/steps/a%2Fb/approve", postJson({ approved: true }))).toMatchObject({
			status: 400,
		});
	});

	it("are cancelled by themselves, by keys of sub-pipelines too", async () => {
		await api.call("/runs/latest/steps/release/cancel", postJson({ reason: "enough" }));
		await api.call("/runs/latest/steps/eval.train.3/cancel", { method: "POST" });
		expect(asked).toEqual([
			["cancelStep", RUN, "release", "enough"],
			["cancelStep", RUN, "eval.train.3", "cancelled by the user"],
		]);
	});

	it("refuse what their state does not allow", async () => {
		await api.close();
		const conflict = new RunmeshError("RM_CONFLICT", "step train does not wait for approval: it is running");
		api = await startTestApi({ commands: commandsOf({ approve: () => Promise.reject(conflict) }) });
		api.commit(story.submitted(definition));
		expect(await problem("/runs/latest/steps/train/approve", postJson({ approved: true }))).toMatchObject({
			status: 409,
			code: "RM_CONFLICT",
			detail: "step train does not wait for approval: it is running",
		});
	});
});

describe("a retry", () => {
	it("answers 201 with the new run, 200 for the same submission again", async () => {
		const body = postJson({ failedOnly: false, submissionId: "s2" });
		const first = await api.call("/runs/r0000000000001/retry", body);
		expect(first.status).toBe(201);
		expect(await first.json()).toMatchObject({ id: "r2", basedOn: RUN });
		expect((await api.call("/runs/r0000000000001/retry", body)).status).toBe(200);
		expect(asked[0]).toEqual(["retry", RUN, { failedOnly: false, submissionId: "s2" }, "admin"]);
		await api.call("/runs/r0000000000001/retry", postJson({ submissionId: "s3" }));
		expect(asked.at(-1)?.[2]).toEqual({ failedOnly: true, submissionId: "s3" });
		expect(await problem("/runs/r0000000000001/retry", postJson({}))).toMatchObject({ code: "RM_BAD_INPUT" });
	});
});

describe("explain", () => {
	it("tells of a run, a step and an attempt", async () => {
		const run = await api.json<ExplainView>("/runs/latest/explain");
		expect(run).toEqual(explainShape);
		expect(run).toMatchObject({ subject: "run", id: RUN, state: "running" });
		const step = await api.json<ExplainView>("/runs/latest/explain?step=release");
		expect(step).toMatchObject({ subject: "step", state: "held", waits: [{ for: "approval" }] });
		expect(step.summary).toMatch(/^release has waited for a person's approval/);
		const attempt = await api.json<ExplainView>("/runs/latest/explain?step=train&attempt=1");
		expect(attempt).toMatchObject({ subject: "attempt", id: `${RUN}.train.1`, state: "succeeded" });
	});

	it("says what is not there", async () => {
		expect(await problem("/runs/latest/explain?step=relase")).toMatchObject({
			code: "RM_NOT_FOUND",
			hint: "did you mean `release`?",
		});
		expect(await problem("/runs/latest/explain?step=train&attempt=7")).toMatchObject({ code: "RM_NOT_FOUND" });
		expect(await problem("/runs/latest/explain?attempt=1")).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem("/runs/nope/explain")).toMatchObject({ code: "RM_NOT_FOUND" });
	});
});

describe("submissions", () => {
	const request = { pipeline: "name: digits", file: "d.yaml", params: {}, code: null, submissionId: "s1" };
	const refused = async (more: object): Promise<string> => {
		const { code, detail } = await problem("/runs", postJson({ ...request, ...more }));
		return `${code} ${detail}`;
	};

	it("get what they leave out", async () => {
		await api.call("/runs", postJson(request));
		expect(asked[0]?.[1] as SubmitRequest).toEqual({ ...request, files: {}, cache: "use", reuse: null });
		const reuse = { run: "latest", mode: "from", steps: ["eval.train"] };
		const more = { files: { "sub/eval.yaml": "x".repeat(200_000) }, cache: "refresh", reuse };
		expect((await api.call("/runs", postJson({ ...request, ...more }))).status).toBe(201);
		expect(asked[1]?.[1]).toMatchObject(more);
	});

	it("are bounded", async () => {
		const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`f${index}.yaml`, ""]));
		expect(await refused({ files: many })).toBe("RM_BAD_INPUT body.files: at most 64 files");
		expect(await refused({ files: { "big.yaml": "x".repeat(256 * 1024 + 1) } })).toMatch(
			/^RM_TOO_LARGE big\.yaml has 262145/,
		);
		expect(await refused({ cache: "maybe" })).toMatch(/^RM_BAD_INPUT body\.cache/);
		expect(await refused({ reuse: { run: "latest", mode: "failed" } })).toMatch(/^RM_BAD_INPUT body\.reuse/);
		expect(await refused({ reuse: { run: "x/y", mode: "failed", steps: [] } })).toMatch(
			/^RM_BAD_INPUT body\.reuse\.run/,
		);
		expect(await refused({ reuse: { run: "a", mode: "only", steps: ["../a"] } })).toMatch(/body\.reuse\.steps/);
	});
});

describe("lists", () => {
	it("are filtered by submitter, time and words", async () => {
		const ids = async (query: string) => (await api.json<Page<RunSummary>>(`/runs?${query}`)).items.map(({ id }) => id);
		const other = createStory("r9", 5_000);
		api.commit(other.submitted(pipelineOf("iris", [stepOf("a")]), { submitter: "grace", paramsJson: '{"lr":0.5}' }));
		expect(await ids("submitter=grace")).toEqual(["r9"]);
		expect(await ids("since=5000")).toEqual(["r9"]);
		expect(await ids("until=5000")).toEqual([RUN]);
		expect(await ids("search=lr%3D0.5")).toEqual(["r9"]);
		expect(await ids("search=dig&submitter=ada")).toEqual([RUN]);
		expect(await ids("state=queued")).toEqual([]);
		expect(await problem("/runs?since=yesterday")).toMatchObject({ code: "RM_BAD_INPUT" });
		expect(await problem(`/runs?search=${"x".repeat(201)}`)).toMatchObject({ code: "RM_BAD_INPUT" });
	});
});

describe("logs", () => {
	it("of an attempt that never was are not found, unless it may still come", async () => {
		const { code, hint } = await problem("/runs/latest/steps/train/logs?attempt=4");
		expect({ code, hint }).toEqual({ code: "RM_NOT_FOUND", hint: `see \`runmesh explain ${RUN} train\`` });
		expect(await problem("/runs/latest/steps/train/logs?attempt=4&follow=true")).toMatchObject({ code });
		expect((await api.call("/runs/latest/steps/train/logs?attempt=1")).status).toBe(200);
	});
});
