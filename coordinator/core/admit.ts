/** Runs of a concurrency group go ahead one after the other, in the order they came. */

import { cancelRun } from "./cancel.ts";
import { beginRun } from "./graph.ts";
import { finishRun } from "./settle.ts";
import type { Run } from "./state.ts";
import { contain, emit, type Turn } from "./turn.ts";

/** A run of a group: those before it give way, if it says so. */
export const joinGroup = (turn: Turn, run: Run): void => {
	turn.groups.add(run.group);
	if (!run.definition.concurrency?.cancelInProgress) return;
	for (const other of [...(turn.state.runGroups.get(run.group) ?? [])]) {
		if (other === run) return;
		cancelRun(turn, other, `run ${run.id} of the group ${run.group} came`);
	}
};

/** The next of every group in which a place may have become free. */
export const admitRuns = (turn: Turn): void => {
	for (const group of turn.groups) {
		turn.groups.delete(group);
		for (let run = nextOf(turn, group); run; run = nextOf(turn, group)) {
			const next = run;
			if (!contain(turn, next.id, () => admit(turn, next))) break;
		}
	}
};

const admit = (turn: Turn, run: Run): void => {
	emit(turn, { kind: "runAdmitted", runId: run.id });
	beginRun(turn, run);
	finishRun(turn, run);
};

const nextOf = ({ state }: Turn, group: string): Run | null => {
	const runs = state.runGroups.get(group) ?? [];
	let active = 0;
	for (const run of runs) {
		if (run.status !== "queued") active += 1;
		else return active < (run.definition.concurrency?.max ?? 1) ? run : null;
	}
	return null;
};
