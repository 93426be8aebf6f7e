/** Removes the beginning of RM_JOURNAL: what is older than the history is kept, and what nothing stands on any more. */

import type { JetStreamClient, JetStreamManager, StreamState } from "nats";
import { streams } from "#shared/subjects.ts";

export interface HistoryLimits {
	historyDays: number;
	historyBytes: number;
}

/** Nothing from the least of these on may go. */
export interface TrimBounds {
	/** Sequences of the verified snapshots, the newest first: should the newest be damaged, the one before must do. */
	snapshots: readonly number[];
	/** Of this home's read store. */
	projected: number;
	/** The first message of a live run; null when none lives. */
	firstLive: number | null;
}

const DAY_MS = 86_400_000;
const LOOK_MS = 2_000;

/** Says up to where it was trimmed; null when nothing was to be done. */
export const trimJournal = async (
	manager: JetStreamManager,
	client: JetStreamClient,
	limits: HistoryLimits,
	bounds: TrimBounds,
	nowMs: number,
): Promise<number | null> => {
	const { state } = await manager.streams.info(streams.journal);
	const byAge = await firstSince(client, state, nowMs - limits.historyDays * DAY_MS);
	const first = firstToKeep(state, Math.max(byAge, firstBySize(state, limits.historyBytes)), bounds);
	if (first <= state.first_seq) return null;
	await manager.streams.purge(streams.journal, { seq: first });
	return first;
};

export const firstToKeep = (
	{ last_seq }: Pick<StreamState, "last_seq">,
	wanted: number,
	{ snapshots, projected, firstLive }: TrimBounds,
): number => {
	const [, safe = 0] = snapshots;
	// The last message stays: it shows that the journal is the one that was seen.
	return Math.min(wanted, safe + 1, projected + 1, firstLive ?? last_seq, last_seq);
};

/** By the mean size of a message. */
export const firstBySize = ({ first_seq, messages, bytes }: StreamState, limit: number): number =>
	bytes <= limit ? first_seq : first_seq + Math.ceil(((bytes - limit) / bytes) * messages);

const firstSince = async (client: JetStreamClient, state: StreamState, sinceMs: number): Promise<number> => {
	if (Date.parse(state.first_ts) >= sinceMs) return state.first_seq;
	if (Date.parse(state.last_ts) < sinceMs) return state.last_seq;
	const opt_start_time = new Date(sinceMs).toISOString();
	const consumer = await client.consumers.get(streams.journal, { opt_start_time });
	const found = await consumer.fetch({ max_messages: 1, expires: LOOK_MS });
	for await (const message of found) return message.seq;
	return state.first_seq;
};
