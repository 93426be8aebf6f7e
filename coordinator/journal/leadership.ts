/**
 * Who leads: one key in rm_leader, taken by revision. A holder that stops renewing is succeeded after the lease; the
 * journal's own fence protects even when both believe they lead.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { JSONCodec, type KV, NatsError } from "nats";
import { leaderKey } from "#shared/subjects.ts";
import type { StorageWatch } from "./storage-watch.ts";

export interface LeaderRecord {
	coordinatorId: string;
	/** Where it answers; "" until it does. */
	url: string;
	grpc: string;
}

export interface Leadership {
	/** Rejects when another coordinator has taken the lead. */
	readonly lost: Promise<never>;
	/** Asks whether this coordinator holds the lead now. */
	holds(): Promise<boolean>;
	/** Says where this leader is found. */
	announce(record: Omit<LeaderRecord, "coordinatorId">): void;
}

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
/** One that stands by looks this often, and hears of a new address as soon. */
const LOOK_MS = 1_000;
const RETRY_PAUSE_MS = 500;
const WRONG_LAST_SEQUENCE = 10_071;

const codec = JSONCodec<LeaderRecord>();

/**
 * Resolves when this coordinator leads; `onStandby` hears of the one that does meanwhile. `coordinatorId` is kept with
 * the home, whose lock says that no other process of that id lives: a restarted coordinator takes its own lease over
 * at once.
 */
export const acquireLeadership = async (
	bucket: KV,
	coordinatorId: string,
	onStandby: (leader: LeaderRecord) => void,
	storage: StorageWatch,
): Promise<Leadership> => {
	let record: LeaderRecord = { coordinatorId, url: "", grpc: "" };
	let revision = await takeKey(bucket, record, onStandby, storage);
	storage.stored();

	/** Something is to be said before the next renewal is due. */
	let news = new AbortController();
	const renew = async (): Promise<never> => {
		for (;;) {
			try {
				revision = await bucket.update(leaderKey, codec.encode(record), revision);
				storage.stored();
			} catch (error) {
				if (!isOvertaken(error)) storage.failed((error as Error).message);
				// Unanswered, or overtaken: the entry tells.
				const now = await bucket.get(leaderKey).catch(() => null);
				if (now && codec.decode(now.value).coordinatorId !== coordinatorId) throw error;
				if (now) revision = now.revision;
			}
			await sleep(RENEW_MS, undefined, { ref: false, signal: news.signal }).catch(() => undefined);
			news = new AbortController();
		}
	};
	const lost = renew();
	lost.catch(() => {});
	return {
		lost,
		holds: async () => {
			const now = await bucket.get(leaderKey);
			return now?.operation === "PUT" && codec.decode(now.value).coordinatorId === coordinatorId;
		},
		announce: (found) => {
			record = { coordinatorId, ...found };
			news.abort();
		},
	};
};

const takeKey = async (
	bucket: KV,
	record: LeaderRecord,
	onStandby: (leader: LeaderRecord) => void,
	storage: StorageWatch,
): Promise<number> => {
	let seenRevision = -1;
	let seenAtMs = 0;
	for (;;) {
		try {
			const entry = await bucket.get(leaderKey);
			if (entry?.operation !== "PUT") return await bucket.create(leaderKey, codec.encode(record));
			const leader = codec.decode(entry.value);
			const isOver = entry.revision === seenRevision && performance.now() - seenAtMs >= LEASE_MS;
			if (leader.coordinatorId === record.coordinatorId || isOver) {
				return await bucket.update(leaderKey, codec.encode(record), entry.revision);
			}
			if (entry.revision !== seenRevision) [seenRevision, seenAtMs] = [entry.revision, performance.now()];
			onStandby(leader);
			await sleep(LOOK_MS);
		} catch (error) {
			if (!(error instanceof NatsError)) throw error;
			// Another was quicker, or NATS is away. The leader gets its time to renew anew.
			seenRevision = -1;
			if (!isOvertaken(error)) storage.failed(error.message);
			await sleep(RETRY_PAUSE_MS);
		}
	}
};

const isOvertaken = (error: unknown): boolean =>
	error instanceof NatsError && error.jsError()?.err_code === WRONG_LAST_SEQUENCE;
