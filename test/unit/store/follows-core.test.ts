/** The tables against the core itself: random pipelines, outcomes, answers, cancels and repeats, compared all along. */

import { expect, test } from "vitest";
import { resolveReuse } from "#coordinator/reuse.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import type { Task } from "#shared/domain.ts";
import type { RunId } from "#shared/ids.ts";
import { type Random, seededRandom } from "#shared/random.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { randomPipeline } from "../../sim/world/pipelines.ts";

const RUNS = 4;
const MOVES = 200;

/** Backoff ends by time alone, of which no event tells. */
const alike = (state: string): string => (state === "backoff" ? "ready" : state);

const compare = (mesh: CoreMesh, store: ReadStore, seed: number): void => {
	for (const run of mesh.state.runs.values()) {
		const shown = store.run(run.id);
		const want = [...run.steps.values()].map(({ key, status }) => `${key} ${alike(status)}`).sort();
		const have = shown?.stepList.map(({ key, state }) => `${key} ${alike(state)}`).sort();
		expect(have, `run ${run.id} of seed ${seed}`).toEqual(want);
		expect(shown?.state, `run ${run.id} of seed ${seed}`).toBe(run.status);
		expect(shown?.steps.total).toBe(run.steps.size);
	}
};

const counted = (store: ReadStore): Record<string, number> => {
	const counts: Record<string, number> = {};
	for (const { id } of store.runs({ limit: 100 }).items) {
		for (const { state } of store.run(id)?.stepList ?? []) counts[state] = (counts[state] ?? 0) + 1;
	}
	return counts;
};

const detailsOf = (store: ReadStore) => store.runs({ limit: 100 }).items.map(({ id }) => store.run(id));

const play = (seed: number): void => {
	const random = seededRandom(seed);
	const mesh = new CoreMesh();
	const store = openReadStore(":memory:");
	let projected = 0;
	let sequence = 0;
	const follow = (): void => {
		const events = mesh.journal.slice(projected);
		projected = mesh.journal.length;
		if (events.length > 0) store.project([{ sequence: ++sequence, events }]);
		compare(mesh, store, seed);
	};
	const agent = mesh.agent("lab", 16);
	const started = new Set<Task>();
	let submitted = 0;

	const submit = (): void => {
		const definition = randomPipeline(random, "any", false);
		mesh.submit(definition, `r${submitted++}`, { params: { p: random.below(4) } });
	};
	const repeat = (): void => {
		const over = store.runs({ limit: 10 }).items.find(({ finishedAtMs }) => finishedAtMs !== null);
		const source = over && store.source(over.id);
		if (!over || !source) return submit();
		const { definition, params } = source;
		const named = definition.steps.filter(({ phase }) => phase === "main").map(({ name }) => name);
		const mode = (["failed", "from", "only"] as const)[random.below(3)] ?? "failed";
		const steps = mode === "failed" ? [] : [named[random.below(named.length)] ?? ""];
		try {
			const reuse = resolveReuse(store, { run: over.id, mode, steps }, definition, params);
			mesh.submit(definition, `r${submitted++}`, { params, ...reuse });
		} catch (error) {
			// Nothing failed, or nothing was left to read.
			expect(error).toMatchObject({ code: "RM_CONFLICT" });
		}
	};

	for (let move = 0; move < MOVES; move++) {
		const [task] = mesh.tasks;
		const steps = [...mesh.state.runs.values()].flatMap((run) => [...run.steps.values()]);
		const held = steps.find(({ status }) => status === "held");
		const any = steps[random.below(Math.max(1, steps.length))];
		const dice = random.next();
		if (submitted < RUNS && dice < 0.1) submit();
		else if (submitted < 2 * RUNS && dice < 0.13) repeat();
		else if (held && dice < 0.25) {
			const answer = { runId: held.run.id, stepKey: held.key, approved: random.next() < 0.7 };
			mesh.give({ kind: "answerApproval", ...answer, by: "ada", comment: "" });
		} else if (any && dice < 0.27) {
			mesh.give({ kind: "cancelStep", runId: any.run.id, stepKey: any.key, reason: "enough" });
		} else if (any && dice < 0.275) mesh.give({ kind: "cancelRun", runId: any.run.id, reason: "enough" });
		else if (task && dice < 0.9) step(mesh, task, started, random);
		else {
			mesh.nowMs += random.below(20_000);
			// Whoever is told to stop says that it has.
			mesh.beat(agent, [...started]);
			mesh.give({ kind: "tick" });
		}
		follow();
	}
	const nonZero = Object.fromEntries(Object.entries(store.counts().steps).filter(([, count]) => count !== 0));
	expect(counted(store)).toEqual(nonZero);
	const anew = openReadStore(":memory:");
	anew.project([{ sequence: 1, events: mesh.journal }]);
	expect(detailsOf(anew), `seed ${seed}`).toEqual(detailsOf(store));
	anew.close();
	store.close();
};

const step = (mesh: CoreMesh, task: Task, started: Set<Task>, random: Random): void => {
	const isLive = mesh.state.runs.get(task.runId as RunId)?.steps.get(task.stepKey)?.attempt?.id === task.attemptId;
	if (isLive && !started.has(task) && random.next() < 0.9) {
		started.add(task);
		return mesh.start(task);
	}
	mesh.takeTask(task.stepKey);
	started.delete(task);
	if (!isLive) return;
	const values = { list: ["a", "b", "c"].slice(0, random.below(4)), verdict: random.next() < 0.5 ? "yes" : "no" };
	const metrics = [{ name: "score", value: random.next(), step: 1 }];
	mesh.finish(task, random.next() < 0.8 ? "succeeded" : "failed", { values, metrics });
};

test.each([1, 11, 21])("the tables say what the core knows, whatever is asked of it: seeds from %i", (first) => {
	for (let seed = first; seed < first + 10; seed++) play(seed);
});
