/** One batch of events to the bytes of one journal message, and back. */

import { RunmeshError } from "#shared/errors.ts";
import { type Codec, messageCodec } from "#shared/wire/codec.ts";
import type { JournalEvent } from "../core/events.ts";

/** Raised when an older release could misread what this one writes. */
export const SCHEMA_VERSION = 3;

export interface JournalBatch {
	schemaVersion: number;
	leaderEpoch: number;
	/** Tells the leader its own append from another's when an ack was lost. */
	batchId: string;
	events: JournalEvent[];
}

type WireEvent = { atMs: number; body?: string } & Record<string, unknown>;

const packEvent = ({ kind, atMs, ...fields }: JournalEvent): object => ({ atMs, [kind]: fields });

const unpackEvent = (event: WireEvent): JournalEvent => {
	// An event this release does not know would silently change what state the journal gives.
	if (!event.body) throw new RunmeshError("RM_JOURNAL_INVALID", "the journal holds an event of an unknown kind");
	return { kind: event.body, atMs: event.atMs, ...(event[event.body] as object) } as JournalEvent;
};

export const batchCodec: Codec<JournalBatch> = messageCodec<JournalBatch>(
	"runmesh.journal.v1.JournalBatch",
	(batch) => ({ ...batch, events: batch.events.map(packEvent) }),
	(message) => {
		const batch = message as unknown as Omit<JournalBatch, "events"> & { events: WireEvent[] };
		if (batch.schemaVersion > SCHEMA_VERSION) {
			throw new RunmeshError(
				"RM_JOURNAL_INVALID",
				`the journal is of schema ${batch.schemaVersion}, this release reads up to ${SCHEMA_VERSION}`,
				{ hint: "start a release at least as new as the one that wrote it" },
			);
		}
		return { ...batch, events: batch.events.map(unpackEvent) };
	},
);
