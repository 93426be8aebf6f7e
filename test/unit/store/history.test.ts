import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import { keepHistory } from "#coordinator/history.ts";
import { openLogStore } from "#coordinator/logs/store.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import { type AttemptId, attemptId, memberId, type RunId, type StepKey } from "#shared/ids.ts";
import { artifactOf, createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const DAY_MS = 86_400_000;
const NOW = 200 * DAY_MS;

let dir: string;
let path: string;
let logs: string;
let store: ReadStore;
let sequence: number;

beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "runmesh-history-"));
	path = join(dir, "read.sqlite");
	logs = join(dir, "logs");
	store = openReadStore(path);
	sequence = 0;
});
afterEach(() => {
	store.close();
	rmSync(dir, { recursive: true, force: true });
});

const commit = (events: Iterable<JournalEvent>): void => store.project([{ sequence: ++sequence, events: [...events] }]);

const pipeline = pipelineOf("digits", [
	stepOf("train", { matrix: { seed: Array.from({ length: 150 }, (_, seed) => seed) } }),
	stepOf("pick", { needs: ["train"], action: { kind: "select", from: "train", metric: "loss", mode: "min" } }),
]);

/** A run over so many days ago, with attempts, artifacts, metric points and logs. */
const runOver = (id: string, daysAgo: number): void => {
	const story = createStory(id, NOW - daysAgo * DAY_MS);
	const cells = Array.from({ length: 150 }, (_, cell) => `train.${cell}`);
	commit([
		story.submitted(pipeline),
		...cells.flatMap((key) => [
			story.leased(key),
			story.started(key),
			story.ended(key),
			story.settled(key, "succeeded", { outputs: [artifactOf("model", "ab")] }),
		]),
		story.settled("pick"),
		story.finished("succeeded"),
	]);
	for (const attempt of ["train.0", "train.7"].map((key) => attemptId(id as RunId, key as StepKey, 1))) {
		const points = Array.from({ length: 350 }, (_, step) => ({ name: "loss", step, value: 1, atMs: 1 }));
		store.addMetricPoints(attempt, [...points, { name: "acc", step: 1, value: 1, atMs: 1 }]);
	}
	mkdirSync(join(logs, id), { recursive: true });
	writeFileSync(join(logs, id, `${id}.train.0.1.log`), "x".repeat(10_000));
};

const sweep = async (historyDays: number, historyBytes = 2 ** 40): Promise<void> => {
	const logStore = openLogStore(logs);
	const options = { historyDays, historyBytes, logs, nowMs: () => NOW };
	const keeper = keepHistory(store, logStore, options, pino({ level: "silent" }));
	await keeper.sweep();
	keeper.stop();
	logStore.close();
};

const ids = (): string[] => store.runs({ limit: 100 }).items.map(({ id }) => id);

const rowsOf = (run: string): Record<string, number> => {
	const database = new DatabaseSync(path, { readOnly: true });
	const tables = ["runs", "steps", "step_groups", "step_edges", "attempts", "artifacts", "events", "run_sources"];
	const column = (table: string): string => (table === "runs" ? "id" : "run");
	const counts = tables.map((table) => {
		const row = database.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${column(table)} = ?`).get(run);
		return [table, Number(row?.n)];
	});
	database.close();
	return Object.fromEntries(counts);
};

const totals = (): Record<string, unknown> => {
	const database = new DatabaseSync(path, { readOnly: true });
	const one = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
	const found = {
		definitions: one("SELECT count(*) FROM definitions"),
		points: one("SELECT count(*) FROM metric_points"),
		series: one("SELECT count(*) FROM metric_series"),
		leaving: one("SELECT count(*) FROM leaving"),
		kept: one("SELECT events FROM position"),
		events: one("SELECT count(*) FROM events"),
		logBytes: one("SELECT log_bytes FROM position"),
	};
	database.close();
	return found;
};

describe("the history", () => {
	it("lets go of what is too old, with all that belonged to it", async () => {
		for (const [id, daysAgo] of Object.entries({ rold: 100, rolder: 120, rnew: 10 })) runOver(id, daysAgo);
		const live = createStory("rlive", NOW - 150 * DAY_MS);
		commit([live.submitted(pipelineOf("other", [stepOf("a")]))]);
		await sweep(90);
		expect(ids()).toEqual(["rlive", "rnew"]);
		for (const id of ["rold", "rolder"]) {
			expect(new Set(Object.values(rowsOf(id))), id).toEqual(new Set([0]));
			expect(existsSync(join(logs, id))).toBe(false);
		}
		expect(existsSync(join(logs, "rnew"))).toBe(true);
		const { kept, ...rest } = totals();
		expect(rest).toEqual({ definitions: 2, points: 702, series: 4, leaving: 0, events: kept, logBytes: 10_000 });
		expect(store.counts()).toMatchObject({ runs: { succeeded: 1, running: 1 }, steps: { succeeded: 151, ready: 1 } });
		expect(store.runs({ limit: 10, search: "rold" }).items).toEqual([]);
		expect(store.run("rnew")?.stepList).toHaveLength(151);
	});

	it("lets go of the oldest where it is too large, and of no more", async () => {
		for (const [id, daysAgo] of Object.entries({ ra: 30, rb: 20, rc: 10 })) runOver(id, daysAgo);
		await sweep(90);
		expect(ids()).toEqual(["rc", "rb", "ra"]);
		await sweep(90, store.history.bytes() - 20_000);
		expect(ids()).toEqual(["rc", "rb"]);
		await sweep(90, 1);
		expect(ids()).toEqual([]);
	});

	it("keeps what a model or a deployment came from", async () => {
		for (const id of ["rmodel", "rserve", "rplain"]) runOver(id, 100);
		const [model, serve] = [createStory("rmodel"), createStory("rserve")];
		commit([model.registered("digits", 1), serve.deployed("digits", 1, ["agent-1"])]);
		await sweep(90);
		expect(ids()).toEqual(["rserve", "rmodel"]);
	});

	it("goes on where it was cut off, and hides at once what leaves", async () => {
		runOver("ra", 100);
		expect(store.history.leave(0, NOW)).toMatchObject({ run: "ra" });
		expect(ids()).toEqual([]);
		expect(store.run("ra")).toBeNull();
		expect(store.history.removeRows("ra" as RunId, 0)).toBe(false);
		store.close();
		store = openReadStore(path);
		expect(store.history.leaving()).toEqual(["ra"]);
		await sweep(90);
		expect(totals()).toEqual({ definitions: 0, points: 0, series: 0, leaving: 0, kept: 0, events: 0, logBytes: 0 });
		expect(existsSync(join(logs, "ra"))).toBe(false);
	});

	it("has of a step on several agents the first one's points, and lets go of those", async () => {
		const story = createStory("ra", NOW - 100 * DAY_MS);
		commit([
			story.submitted(pipelineOf("gang", [stepOf("train", { nodes: 2 })])),
			story.leased("train", 1, "agent-1", "agent-2"),
			story.ended("train"),
			story.settled("train"),
			story.finished("succeeded"),
		]);
		const first = attemptId("ra" as RunId, "train" as StepKey, 1);
		for (const rank of [0, 1]) {
			store.addMetricPoints(memberId(first, rank), [{ name: "loss", step: 1, value: rank, atMs: 1 }]);
		}
		expect(totals()).toMatchObject({ points: 1, series: 1 });
		expect(store.metrics("ra")).toMatchObject([{ points: [{ value: 0 }] }]);
		await sweep(90);
		expect(totals()).toMatchObject({ points: 0, series: 0 });
	});

	it("takes late points of a run that is gone without harm", async () => {
		runOver("ra", 100);
		await sweep(90);
		store.addMetricPoints("ra.train.0.1" as AttemptId, [{ name: "late", step: 1, value: 1, atMs: 1 }]);
		expect(store.metrics("ra")).toEqual([]);
	});
});
