/** Decides when the leader takes a snapshot, and trims the journal behind it. One at a time, beside the mesh's work. */

import type { Logger } from "pino";
import { dumpState } from "../core/snapshot.ts";
import type { MeshState } from "../core/state.ts";
import type { CommittedBatch } from "./journal.ts";
import type { Snapshots } from "./snapshots.ts";
import { firstLive, note, type Standing } from "./standing.ts";
import type { TrimBounds } from "./trim.ts";

export interface SnapshotterParts {
	state: MeshState;
	standing: Standing;
	snapshots: Snapshots;
	/** Of the last one; 0 when there is none. */
	takenAt: number;
	/** Removes what nothing stands on. */
	trim(bounds: Omit<TrimBounds, "projected">): Promise<void>;
	log: Logger;
	pace?: Partial<SnapshotPace>;
}

export interface SnapshotPace {
	/** Taken when the journal has grown by one of these since the last. */
	messages: number;
	bytes: number;
	/** But not more often. */
	pauseMs: number;
}

export interface Snapshotter {
	/** Between two turns, with what the one before has brought: the state is that of the last batch. */
	committed(batches: readonly CommittedBatch[]): void;
	/** Resolves when none is under way. */
	idle(): Promise<void>;
}

const usualPace: SnapshotPace = { messages: 10_000, bytes: 64 * 1024 * 1024, pauseMs: 60_000 };

export const createSnapshotter = ({
	state,
	standing,
	snapshots,
	takenAt,
	trim,
	log,
	pace,
}: SnapshotterParts): Snapshotter => {
	const { messages, bytes, pauseMs } = { ...usualPace, ...pace };
	let last = takenAt;
	let grownBytes = 0;
	let lastAtMs = Number.NEGATIVE_INFINITY;
	let underWay: Promise<void> | null = null;

	const take = async (sequence: number): Promise<void> => {
		const startedMs = performance.now();
		const dump = dumpState(state);
		const heldMs = Math.round(performance.now() - startedMs);
		const picture = { runs: new Map(standing.runs), events: new Map(standing.events) };
		try {
			await snapshots.save({ sequence, dump, standing: picture });
			log.info({ sequence, heldMs, tookMs: Math.round(performance.now() - startedMs) }, "snapshot taken");
			await trim({ snapshots: await snapshots.kept(), firstLive: firstLive(standing) });
		} catch (error) {
			log.warn({ err: error, sequence }, "no snapshot could be taken; trying again later");
		}
	};

	return {
		committed: (batches) => {
			for (const batch of batches) {
				grownBytes += batch.bytes;
				for (const event of batch.events) note(standing, batch.sequence, event);
			}
			const sequence = batches.at(-1)?.sequence ?? last;
			if (underWay || (sequence - last < messages && grownBytes < bytes)) return;
			if (performance.now() - lastAtMs < pauseMs) return;
			[last, grownBytes, lastAtMs] = [sequence, 0, performance.now()];
			underWay = take(sequence).finally(() => {
				underWay = null;
			});
		},
		idle: async () => underWay ?? undefined,
	};
};
