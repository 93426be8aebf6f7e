/**
 * Keeps the history within its age and its size: finished runs leave, the oldest first, with the files of their logs.
 * A few milliseconds at a time, for the same thread leads the mesh.
 */

import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { RunId } from "#shared/ids.ts";
import type { LogStore } from "./logs/store.ts";
import type { ReadStore } from "./store/store.ts";

export interface HistoryOptions {
	historyDays: number;
	/** Of the read store and of the logs. */
	historyBytes: number;
	/** Where the logs lie, a folder for each run. */
	logs: string;
	nowMs(): number;
}

export interface HistoryKeeper {
	/** One round; resolves when all that may go has gone. */
	sweep(): Promise<void>;
	stop(): void;
}

const DAY_MS = 86_400_000;
const SWEEP_EVERY_MS = 60_000;
/** Logs of a run that has just ended may still be on their way. */
const LOGS_SETTLE_MS = 60_000;
const MEASURED_AT_ONCE = 500;
const BUDGET_MS = 4;
/** Between two budgets: the mesh goes first. */
const PAUSE_MS = 10;

export const keepHistory = (
	store: ReadStore,
	logStore: Pick<LogStore, "remove">,
	options: HistoryOptions,
	log: Logger,
): HistoryKeeper => {
	const { historyDays, historyBytes, logs, nowMs } = options;
	const { history } = store;
	const stopping = new AbortController();
	const { signal } = stopping;
	let sweeping: Promise<void> | null = null;

	const measure = async (): Promise<void> => {
		for (const run of history.unmeasured(nowMs() - LOGS_SETTLE_MS, MEASURED_AT_ONCE)) {
			if (signal.aborted) return;
			history.measured(run, await folderBytes(join(logs, run)));
		}
	};

	const remove = async (run: RunId): Promise<void> => {
		while (!history.removeRows(run, BUDGET_MS)) {
			await sleep(PAUSE_MS, undefined, { signal });
		}
		await logStore.remove(run);
		history.forget(run);
	};

	const round = async (): Promise<void> => {
		await measure();
		for (const run of history.leaving()) await remove(run);
		let removed = 0;
		for (let afterMs = 0; !signal.aborted; ) {
			const isOver = history.bytes() > historyBytes;
			const left = history.leave(afterMs, isOver ? Number.MAX_SAFE_INTEGER : nowMs() - historyDays * DAY_MS);
			if (!left) break;
			afterMs = left.finishedAtMs;
			await remove(left.run);
			removed++;
			await sleep(PAUSE_MS, undefined, { signal });
		}
		if (removed > 0) log.info({ runs: removed }, "old runs left the history");
	};

	const sweep = (): Promise<void> => {
		sweeping ??= round()
			.catch((error: Error) => {
				if (!signal.aborted) log.warn({ err: error }, "the history could not be shortened; it is tried again");
			})
			.finally(() => {
				sweeping = null;
			});
		return sweeping;
	};

	const timer = setInterval(sweep, SWEEP_EVERY_MS);
	timer.unref();
	return {
		sweep,
		stop: () => {
			clearInterval(timer);
			stopping.abort();
		},
	};
};

/** 0 for a folder that is not there. */
const folderBytes = async (folder: string): Promise<number> => {
	const names = await readdir(folder).catch(() => []);
	let bytes = 0;
	for (const name of names) {
		const found = await stat(join(folder, name)).catch(() => null);
		bytes += found?.size ?? 0;
	}
	return bytes;
};
