/**
 * Compares JetStream's journal with this home's own copy of its tail. What JetStream has lost is put back; where the two
 * contradict each other, or the journal is gone altogether, the coordinator stops and says so.
 */

import type { JetStreamManager, StreamInfo, StreamState } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import { streams } from "#shared/subjects.ts";
import { batchCodec } from "./codec.ts";
import type { Journal } from "./journal.ts";
import type { Tail } from "./tail.ts";
import type { TailRecord } from "./tail-record.ts";

/** Before streams are made: a journal that is gone is not begun anew while a copy of it lies here. */
export const refuseLostJournal = async (manager: JetStreamManager, tail: Tail, folder: string): Promise<void> => {
	if (tail.last() === 0) return;
	const info = await streamInfo(manager);
	if (!info) throw invalid(`NATS holds no ${streams.journal}, this home has a copy of it up to ${tail.last()}`, folder);
	if (info.created !== tail.stream()) {
		throw invalid(
			`${streams.journal} was made anew at ${info.created}: it is not the one that this home has seen`,
			folder,
		);
	}
	if (info.state.last_seq > 0 && info.state.messages === 0) {
		throw invalid(`${streams.journal} has been emptied, this home has a copy of it up to ${tail.last()}`, folder);
	}
};

/**
 * The tail's messages that JetStream lacks, for whoever comes to lead. Messages are a chain, each fenced by the one
 * before: two journals that have the same newest message in common have all before it in common.
 */
export const compareTail = async (
	manager: JetStreamManager,
	tail: Tail,
	folder: string,
): Promise<Map<number, TailRecord>> => {
	const { created, state } = await manager.streams.info(streams.journal);
	tail.copies(created);
	for (const mine of await sharedEnd(tail, state)) {
		const theirs = await manager.streams.getMessage(streams.journal, { seq: mine.sequence });
		if (!isSame(mine, batchCodec.decode(theirs.data), tail, folder)) tail.cut(mine.sequence - 1);
	}
	if (tail.last() <= state.last_seq) return new Map();
	const missing = await tail.read(state.last_seq + 1);
	if (missing.length === 0) {
		throw invalid(`${streams.journal} ends at ${state.last_seq}, and this home's copy begins behind that`, folder);
	}
	return new Map(missing.map((message) => [message.sequence, message]));
};

/** The newest that both hold and that was acknowledged, and what follows. */
const sharedEnd = async (tail: Tail, { first_seq, last_seq }: StreamState): Promise<TailRecord[]> => {
	const common = Math.min(last_seq, tail.last());
	if (common < Math.max(first_seq, 1)) return [];
	const from = Math.max(first_seq, Math.min(common, tail.acknowledged()), 1);
	const mine = await tail.read(from);
	const shared = (mine.length > 0 ? mine : await tail.read(common)).filter(({ sequence }) => sequence <= common);
	// From the end on: what gives way takes all behind it along.
	return shared.reverse();
};

/**
 * What was never acknowledged gives way to a later leader's, and to one that took over from the same message. So does the
 * message by which a leader takes over: the one before it may have written last. All else must be the same.
 */
export const isSame = (
	mine: Pick<TailRecord, "sequence" | "batchId" | "epoch" | "data">,
	theirs: { batchId: string; leaderEpoch: number },
	tail: Pick<Tail, "acknowledged">,
	folder: string,
): boolean => {
	if (mine.batchId === theirs.batchId) return true;
	const givesWay = theirs.leaderEpoch >= mine.epoch || beginsEpoch(mine.data);
	if (mine.sequence > tail.acknowledged() && givesWay) return false;
	throw invalid(`${streams.journal} says something else at ${mine.sequence} than this home's copy`, folder);
};

const beginsEpoch = (data: Uint8Array): boolean => batchCodec.decode(data).events[0]?.kind === "leaderElected";

/** Puts back what JetStream has lost. Only a leader may, and what others have written since stands. */
export const putBack = async (
	journal: Journal,
	missing: ReadonlyMap<number, TailRecord>,
	onMessage: (message: TailRecord) => void,
): Promise<number> => {
	let count = 0;
	for (const message of missing.values()) {
		if (message.sequence !== journal.lastSequence() + 1) continue;
		await journal.restore(message);
		onMessage(message);
		count += 1;
	}
	return count;
};

const streamInfo = (manager: JetStreamManager): Promise<StreamInfo | null> =>
	manager.streams.info(streams.journal).catch((error: { api_error?: { code?: number } }) => {
		if (error.api_error?.code === 404) return null;
		throw error;
	});

const invalid = (message: string, folder: string): RunmeshError =>
	new RunmeshError("RM_JOURNAL_INVALID", message, {
		hint: `restore NATS's data, or move tail, snapshot.gz and read.sqlite* of ${folder} away to go on with what NATS has`,
	});
