/** Counts of steps by state, of each run and of all: collected while a transaction runs, written once at its end. */

import type { DatabaseSync } from "node:sqlite";

export interface StepCounts {
	/** `from` is null for a new step, `to` for one that is no more. */
	move(run: string, from: string | null, to: string | null, steps?: number): void;
	flush(): void;
	discard(): void;
}

/** The states that a run's summary counts, each in a column of its name. */
const summarised = ["succeeded", "failed", "running"] as const;

export const createStepCounts = (database: DatabaseSync): StepCounts => {
	const updateRun = database.prepare(
		"UPDATE runs SET succeeded = succeeded + ?, failed = failed + ?, running = running + ? WHERE id = ?",
	);
	const updateTotal = database.prepare(
		`INSERT INTO step_counts (state, count) VALUES (?, ?) ON CONFLICT (state) DO UPDATE SET count = count + excluded.count`,
	);
	const totals = new Map<string, number>();
	const runs = new Map<string, Map<string, number>>();

	const add = (map: Map<string, number>, state: string, steps: number): void => {
		map.set(state, (map.get(state) ?? 0) + steps);
	};
	const discard = (): void => {
		totals.clear();
		runs.clear();
	};
	return {
		move: (run, from, to, steps = 1) => {
			let ofRun = runs.get(run);
			if (!ofRun) {
				ofRun = new Map();
				runs.set(run, ofRun);
			}
			for (const map of [totals, ofRun]) {
				if (from !== null) add(map, from, -steps);
				if (to !== null) add(map, to, steps);
			}
		},
		flush: () => {
			for (const [run, changes] of runs) {
				const [succeeded = 0, failed = 0, running = 0] = summarised.map((state) => changes.get(state) ?? 0);
				if (succeeded || failed || running) updateRun.run(succeeded, failed, running, run);
			}
			for (const [state, change] of totals) if (change !== 0) updateTotal.run(state, change);
			discard();
		},
		discard,
	};
};
