/** Logs as they are written: goes on where each attempt's history ended, and takes up new attempts as they are leased. */

import type { LogRecord } from "#shared/api.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { LogAttempt, LogScope } from "../store/log-attempts.ts";
import { createCommitWatch } from "./commit-watch.ts";
import type { HttpDeps } from "./deps.ts";
import { type LogReader, newLogReader, readRecords } from "./log-history.ts";

/** An attempt that is over and whose log has not ended: its agent still sends, or is gone when nothing comes for so long. */
const LATE_LOG_MS = 5_000;
/** Commits come in hundreds a second; attempts are looked for less often. */
const LOOK_MS = 20;

interface Followed {
	attempt: LogAttempt;
	stop: AbortController;
	/** Set while the attempt is over and its log is not. */
	deadline: NodeJS.Timeout | null;
}

export type WriteRecords = (records: LogRecord[]) => Promise<void>;

/** Resolves when no more can come: the scope is over and all its logs have ended, or were given up. */
export const followLogs = async (
	{ store, logs, committed }: Pick<HttpDeps, "store" | "logs" | "committed">,
	scope: LogScope,
	readers: readonly LogReader[],
	write: WriteRecords,
	signal: AbortSignal,
): Promise<void> => {
	const finished = new AbortController();
	const failed = Promise.withResolvers<never>();
	failed.promise.catch(() => undefined);
	const watch = createCommitWatch(committed, AbortSignal.any([signal, finished.signal]));
	const followed = new Map<string, Followed>();
	let seen = readers.at(-1)?.attempt.position ?? 0;

	const start = (reader: LogReader): void => {
		const { attempt } = reader;
		const entry: Followed = { attempt, stop: new AbortController(), deadline: null };
		followed.set(attempt.id, entry);
		follow(reader, entry).then(() => {
			if (entry.deadline) clearTimeout(entry.deadline);
			followed.delete(attempt.id);
			endWhenOver();
		}, failed.reject);
	};

	const follow = async (reader: LogReader, entry: Followed): Promise<void> => {
		const stop = AbortSignal.any([signal, entry.stop.signal]);
		for await (const records of readRecords(logs, reader, { follow: true, signal: stop })) {
			await write(records);
		}
		// Given up while the client was slow, it is still shown as far as it is stored.
		for await (const records of readRecords(logs, reader, { signal })) await write(records);
		await write(reader.records.flush());
	};

	const look = (): void => {
		for (const attempt of store.logs.attempts(scope, seen)) {
			seen = attempt.position;
			start(newLogReader(attempt));
		}
		for (const entry of followed.values()) setDeadline(entry);
		endWhenOver();
	};

	const setDeadline = (entry: Followed): void => {
		const endedAtMs = store.logs.attempt(entry.attempt.id)?.endedAtMs ?? null;
		if (endedAtMs === null) {
			// A lost attempt may show signs of life again.
			if (entry.deadline) clearTimeout(entry.deadline);
			entry.deadline = null;
		} else if (!entry.deadline) giveUpLater(entry, endedAtMs);
	};

	const giveUpLater = (entry: Followed, endedAtMs: number): void => {
		const waitMs = patienceMs(entry.attempt.id, endedAtMs);
		if (waitMs === 0) entry.stop.abort();
		else entry.deadline = setTimeout(() => giveUpLater(entry, endedAtMs), waitMs);
	};

	/** How much longer a log that has not ended is waited for. */
	const patienceMs = (id: AttemptId, endedAtMs: number): number => {
		const heardAtMs = Math.max(endedAtMs, logs.changedAtMs(id));
		return Math.max(0, Math.min(LATE_LOG_MS, heardAtMs + LATE_LOG_MS - Date.now()));
	};

	const endWhenOver = (): void => {
		if (followed.size > 0 || !store.logs.over(scope)) return;
		if (store.logs.attempts(scope, seen).length === 0) finished.abort();
	};

	try {
		for (const reader of readers) {
			const { id, endedAtMs } = reader.attempt;
			if (endedAtMs !== null && patienceMs(id, endedAtMs) === 0) await write(reader.records.flush());
			else start(reader);
		}
		do {
			look();
			await Promise.race([failed.promise, pause(LOOK_MS)]);
		} while (await Promise.race([failed.promise, watch.next()]));
	} finally {
		watch.stop();
		for (const { stop, deadline } of followed.values()) {
			if (deadline) clearTimeout(deadline);
			stop.abort();
		}
	}
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
