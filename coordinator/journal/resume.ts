/** What a coordinator begins with: the newest snapshot that can be read, or nothing where the journal still has its start. */

import type { JetStreamManager } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import { streams } from "#shared/subjects.ts";
import { newMeshState } from "../core/state.ts";
import type { Snapshot } from "./snapshot-file.ts";
import type { Snapshots } from "./snapshots.ts";
import { newStanding } from "./standing.ts";

export interface Resumed extends Snapshot {
	/** The first message that the journal still has. */
	firstSequence: number;
}

export const resume = async (manager: JetStreamManager, snapshots: Snapshots): Promise<Resumed> => {
	const snapshot = (await snapshots.load()) ?? { sequence: 0, state: newMeshState(), standing: newStanding() };
	const { first_seq: firstSequence } = (await manager.streams.info(streams.journal)).state;
	if (firstSequence > snapshot.sequence + 1) {
		const known =
			snapshot.sequence === 0 ? "no snapshot can be read" : `the newest snapshot is of ${snapshot.sequence}`;
		throw new RunmeshError("RM_JOURNAL_INVALID", `the journal begins at ${firstSequence}, and ${known}`, {
			hint: "restore NATS's data from a backup, RM_SNAPSHOT with it",
		});
	}
	return { ...snapshot, firstSequence };
};
