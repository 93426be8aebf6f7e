import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEventHistory } from "#coordinator/store/journal-events.ts";
import type { RunFilter } from "#coordinator/store/run-pages.ts";
import { SCHEMA } from "#coordinator/store/schema.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { RunSummary } from "#shared/api.ts";
import { type AttemptId, newRunId } from "#shared/ids.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

let store: ReadStore;
beforeEach(() => {
	store = openReadStore(":memory:");
});
afterEach(() => store.close());

const submitMany = (count: number): string[] => {
	const ids = Array.from({ length: count }, (_, index) => newRunId(1_700_000_000_000 + index, 0.5));
	store.project(
		ids.map((id, index) => {
			const story = createStory(id, 1_000 + index);
			const submitted = story.submitted(pipelineOf(index % 3 === 0 ? "third" : "other", [stepOf("a")]));
			return { sequence: index + 1, events: index % 2 === 0 ? [submitted, story.finished("failed")] : [submitted] };
		}),
	);
	return ids;
};

const allPages = (filter: { state?: RunSummary["state"]; pipeline?: string }, limit: number): string[] => {
	const seen: string[] = [];
	for (let before: string | undefined; ; ) {
		const { items, next } = store.runs({ ...filter, limit, before });
		seen.push(...items.map(({ id }) => id));
		if (next === null) return seen;
		before = next;
	}
};

describe("pages of runs", () => {
	it("goes through more than a thousand, newest first, each once", () => {
		const ids = submitMany(1_203);
		expect(allPages({}, 100)).toEqual(ids.toReversed());
		expect(allPages({}, 1_203)).toEqual(ids.toReversed());
		expect(allPages({ state: "failed" }, 50)).toEqual(ids.filter((_, index) => index % 2 === 0).reverse());
		expect(allPages({ pipeline: "third" }, 7)).toEqual(ids.filter((_, index) => index % 3 === 0).reverse());
		expect(allPages({ pipeline: "third", state: "running" }, 7)).toEqual(
			ids.filter((_, index) => index % 3 === 0 && index % 2 === 1).reverse(),
		);
		expect(allPages({ pipeline: "none" }, 7)).toEqual([]);
	});

	it("stays put while new runs come", () => {
		const ids = submitMany(20);
		const first = store.runs({ limit: 5 });
		store.project([{ sequence: 1_000, events: [createStory("rzz").submitted(pipelineOf("new", [stepOf("a")]))] }]);
		const second = store.runs({ limit: 5, before: first.next ?? "" });
		expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 10));
	});

	it("refuses to begin behind a run that is none", () => {
		expect(() => store.runs({ limit: 5, before: "r-none" })).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
	});
});

describe("filters", () => {
	const found = (filter: Partial<RunFilter>): string[] => {
		const seen: string[] = [];
		for (let before: string | undefined; ; ) {
			const { items, next } = store.runs({ limit: 2, ...filter, before });
			seen.push(...items.map(({ id }) => id));
			if (next === null) return seen.reverse();
			before = next;
		}
	};
	const submit = (
		id: string,
		atMs: number,
		pipeline: string,
		more: { submitter?: string; paramsJson?: string } = {},
	) => {
		const event = createStory(id, atMs).submitted(pipelineOf(pipeline, [stepOf("a")]), more);
		store.project([{ sequence: store.sequence() + 1, events: [event] }]);
	};

	beforeEach(() => {
		submit("r0a1", 1_000, "digits", { paramsJson: '{"lr":0.1,"data":"mnist-small"}' });
		submit("r0a2", 2_000, "digits-big", { submitter: "grace", paramsJson: '{"lr":0.01}' });
		submit("r0b3", 3_000, "iris", { paramsJson: '{"note":"100% \\"sure\\" — naïve"}' });
		submit("r0b4", 3_000, "digits", { paramsJson: '{"lr":0.1}' });
		submit("r0b5", 4_000, "digits", { submitter: "grace" });
	});

	it("takes runs of a time, a submitter, and all of these at once", () => {
		expect(found({ since: 3_000 })).toEqual(["r0b3", "r0b4", "r0b5"]);
		expect(found({ until: 3_000 })).toEqual(["r0a1", "r0a2"]);
		expect(found({ since: 2_000, until: 3_001 })).toEqual(["r0a2", "r0b3", "r0b4"]);
		expect(found({ since: 3_000, until: 3_000 })).toEqual([]);
		expect(found({ since: 9_000 })).toEqual([]);
		expect(found({ until: 1_000 })).toEqual([]);
		expect(found({ submitter: "grace" })).toEqual(["r0a2", "r0b5"]);
		expect(found({ submitter: "grace", pipeline: "digits", since: 1_000, state: "running" })).toEqual(["r0b5"]);
		expect(found({ state: "queued" })).toEqual([]);
	});

	it("searches beginnings of words in ids, pipelines, submitters and parameters", () => {
		expect(found({ search: "digi" })).toEqual(["r0a1", "r0a2", "r0b4", "r0b5"]);
		expect(found({ search: "lr=0.1" })).toEqual(["r0a1", "r0b4"]);
		expect(found({ search: "R0B" })).toEqual(["r0b3", "r0b4", "r0b5"]);
		expect(found({ search: "small digits" })).toEqual(["r0a1"]);
		expect(found({ search: "big grace" })).toEqual(["r0a2"]);
		expect(found({ search: "naive" })).toEqual(["r0b3"]);
		expect(found({ search: "igits" })).toEqual([]);
		expect(found({ search: "digits", submitter: "grace", since: 3_000 })).toEqual(["r0b5"]);
		expect(found({ search: "  " })).toHaveLength(5);
	});

	it("takes any text for words", () => {
		for (const search of [
			'"',
			'"sure"',
			"*",
			"a OR b",
			"NEAR(",
			"words:x",
			"^x",
			"-",
			"100%",
			"\u0000",
			"(((",
			"x' --",
		]) {
			expect(() => found({ search }), search).not.toThrow();
		}
		expect(found({ search: '"sure"' })).toEqual(["r0b3"]);
		expect(found({ search: "!?" })).toEqual([]);
		fc.assert(fc.property(fc.string({ maxLength: 40 }), (search) => found({ search }).length <= 5));
	});
});

describe("naming a run", () => {
	const code = (word: string): unknown => {
		try {
			return store.resolveRun(word);
		} catch (error) {
			return (error as { code: string }).code;
		}
	};

	it("takes the whole id, a unique start of it, or latest", () => {
		expect(code("latest")).toBe("RM_NOT_FOUND");
		for (const [index, id] of ["rab1", "rab2", "rb1", "rab"].entries()) {
			store.project([{ sequence: index + 1, events: [createStory(id).submitted(pipelineOf("p", [stepOf("a")]))] }]);
		}
		expect(code("latest")).toBe("rab");
		expect(code("rab1")).toBe("rab1");
		expect(code("rb")).toBe("rb1");
		expect(code("rab")).toBe("rab");
		expect(code("ra")).toBe("RM_AMBIGUOUS");
		expect(code("rx")).toBe("RM_NOT_FOUND");
		expect(code("")).toBe("RM_NOT_FOUND");
		expect(code("%")).toBe("RM_NOT_FOUND");
		expect(() => store.resolveRun("ra")).toThrow("rab, rab1, rab2");
	});
});

describe("metric series", () => {
	const point = (name: string, step: number, value = step / 10) => ({ name, step, value, atMs: 100 + step });

	it("keeps each point once, in the order of steps, by attempt and name", () => {
		const story = createStory("r1");
		store.project([
			{ sequence: 1, events: [story.submitted(pipelineOf("p", [stepOf("train")])), story.leased("train")] },
		]);
		const attempt = "r1.train.1" as AttemptId;
		store.addMetricPoints(attempt, [point("loss", 2), point("loss", 1), point("acc", 1)]);
		store.addMetricPoints(attempt, [point("loss", 2), point("loss", 3), point("bad", 1, Number.NaN), point("", 1)]);
		expect(store.metrics("r1")).toEqual([
			{ step: "train", attempt: 1, name: "acc", points: [{ step: 1, value: 0.1, atMs: 101 }] },
			{
				step: "train",
				attempt: 1,
				name: "loss",
				points: [1, 2, 3].map((step) => ({ step, value: step / 10, atMs: 100 + step })),
			},
		]);
		expect(store.metrics("r1", "acc")).toHaveLength(1);
		expect(store.run("r1")?.stepList[0]?.metrics).toEqual([
			{ name: "loss", value: 0.3, step: 3 },
			{ name: "acc", value: 0.1, step: 1 },
		]);
	});

	it("thins a long series and keeps its ends", () => {
		const story = createStory("r1");
		store.project([
			{ sequence: 1, events: [story.submitted(pipelineOf("p", [stepOf("train")])), story.leased("train")] },
		]);
		store.addMetricPoints(
			"r1.train.1" as AttemptId,
			Array.from({ length: 9_999 }, (_, step) => point("loss", step)),
		);
		const [series] = store.metrics("r1");
		expect(series?.points.length).toBeGreaterThan(1_900);
		expect(series?.points.length).toBeLessThanOrEqual(2_001);
		expect(series?.points[0]?.step).toBe(0);
		expect(series?.points.at(-1)?.step).toBe(9_998);
	});
});

describe("the events' history", () => {
	it("pages behind an id, of all or of one run, without the definition", () => {
		const [a, b] = [createStory("ra"), createStory("rb")];
		const one = pipelineOf("p", [stepOf("x")]);
		store.project([
			{ sequence: 3, events: [a.submitted(one), b.submitted(one), a.leased("x")] },
			{ sequence: 5, events: [b.leased("x"), a.started("x")] },
			{ sequence: 12, events: [{ kind: "leaderElected", atMs: 9, coordinatorId: "c", epoch: 2 }] },
		]);
		const ids = (run: string | null, after: string | null, limit = 100) =>
			store.events(run, after, limit).map(({ id }) => id);
		expect(ids(null, null)).toEqual(["3.0", "3.1", "3.2", "5.0", "5.1", "12.0"]);
		expect(ids(null, "3.1", 2)).toEqual(["3.2", "5.0"]);
		expect(ids("ra", null)).toEqual(["3.0", "3.2", "5.1"]);
		expect(ids("ra", "3.2")).toEqual(["5.1"]);
		expect(ids(null, "9999999999.9999999")).toEqual([]);
		expect(store.events("ra", null, 2)).toEqual([
			{
				id: "3.0",
				atMs: 1_000,
				kind: "runSubmitted",
				run: "ra",
				step: null,
				data: {
					...{ pipeline: "p", params: {}, submitter: "ada", code: null, submissionId: "s-ra" },
					...{ taken: 0, leftOut: [], cacheMode: "use", basedOn: "" },
				},
			},
			{
				id: "3.2",
				atMs: 1_001,
				kind: "attemptLeased",
				run: "ra",
				step: "x",
				data: { attemptId: "ra.x.1", attemptNumber: 1, fence: 1, agentId: "agent-1", memberIds: [], masterAddr: "" },
			},
		]);
	});

	it("tells of agents and join tokens, and keeps what tokens are known by to itself", () => {
		const store = openReadStore(":memory:");
		const story = createStory("ra");
		const events = [
			story.mode("lab-1", "draining", { reason: "disk swap", leave: true }),
			story.forgotten("lab-1"),
			story.tokenIssued("k1"),
			story.tokenUsed("k1"),
			story.tokenRevoked("k1"),
		];
		store.project([{ sequence: 1, events }]);
		expect(store.events(null, null, 10).map(({ kind, run, data }) => ({ kind, run, data }))).toEqual([
			{
				...{ kind: "agentModeChanged", run: null },
				data: { agentId: "lab-1", mode: "draining", reason: "disk swap", by: "ada", leave: true },
			},
			{ kind: "agentForgotten", run: null, data: { agentId: "lab-1", by: "ada" } },
			{ kind: "joinTokenIssued", run: null, data: { tokenId: "k1", expiresAtMs: 3_601_003, uses: 1, by: "ada" } },
			{ kind: "joinTokenUsed", run: null, data: { tokenId: "k1", host: "lab-1" } },
			{ kind: "joinTokenRevoked", run: null, data: { tokenId: "k1", by: "ada" } },
		]);
		store.close();
	});

	it("drops the oldest in large steps", () => {
		const database = new DatabaseSync(":memory:");
		database.exec(SCHEMA);
		const history = openEventHistory(database, 5_000);
		const event = { kind: "leaderElected", atMs: 1, coordinatorId: "c", epoch: 1 } as const;
		database.exec("BEGIN");
		for (let index = 0; index < 15_000; index++) history.append(1, index, event);
		expect(history.prune(15_000)).toBe(15_000);
		history.append(2, 0, event);
		expect(history.prune(15_001)).toBe(5_000);
		database.exec("COMMIT");
		expect(history.page(null, null, 1)[0]?.id).toBe("1.10001");
		expect(history.page(null, null, 10_000)).toHaveLength(5_000);
		database.close();
	});
});
