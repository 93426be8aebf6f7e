/** One attempt's output on this agent: its files, watched, and its three streams. */

import { existsSync, type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import { ShippedStream } from "./shipped-stream.ts";
import { limitPath, Spool, type SpoolFiles, sizeOf, spoolStreams } from "./spool.ts";

/** Of stdout and stderr. */
export interface LogTotals {
	logBytes: number;
	droppedBytes: number;
}

export class TrackedAttempt {
	readonly attemptId: string;
	readonly streams: ShippedStream[];
	readonly #spool: Spool;
	readonly #folders: readonly string[];
	#watchers: FSWatcher[] = [];
	readonly #totals: PromiseWithResolvers<LogTotals> = Promise.withResolvers();
	#complete = false;

	constructor(attemptId: string, files: SpoolFiles, limitBytes: number) {
		this.attemptId = attemptId;
		this.#spool = new Spool(files, limitBytes);
		this.streams = spoolStreams.map((name) => new ShippedStream(attemptId, name, this.#spool));
		this.#folders = [...new Set(Object.values(files).map(dirname))];
		// Dropped before anybody asked for the totals: nobody is to be told.
		this.#totals.promise.catch(() => undefined);
	}

	get isShipped(): boolean {
		return this.streams.every((stream) => stream.shipped);
	}

	scan(): void {
		// Whoever still writes after the end is not heard.
		if (this.#complete) return;
		this.#spool.scan((name) => this.streams.find((stream) => stream.name === name)?.acknowledged ?? 0);
	}

	/** The process is over; what is in the files now is the log. Resolves when all of it has been shipped. */
	complete(): Promise<LogTotals> {
		this.scan();
		this.#complete = true;
		for (const stream of this.streams) stream.complete();
		return this.#totals.promise;
	}

	settle(): void {
		this.#totals.resolve({
			logBytes: this.#spool.kept("stdout") + this.#spool.kept("stderr"),
			droppedBytes: this.#spool.dropped("stdout") + this.#spool.dropped("stderr"),
		});
	}

	abandon(): void {
		this.#totals.reject(new RunmeshError("RM_CONFLICT", `the log of ${this.attemptId} was dropped`));
	}

	watch(onChange: () => void): void {
		this.#watchers = this.#folders.flatMap((dir) => watchFolder(dir, onChange));
	}

	unwatch(): void {
		for (const watcher of this.#watchers) watcher.close();
	}
}

/** None where the system has no watches left, or the folder is not there: files are looked at now and then anyway. */
const watchFolder = (dir: string, onChange: () => void): FSWatcher[] => {
	try {
		const watcher = watch(dir, { persistent: false }, onChange);
		watcher.on("error", () => watcher.close());
		return [watcher];
	} catch {
		return [];
	}
};

/** Nothing was written, and nothing that was written was cut. */
export const isUntouched = (files: SpoolFiles): boolean =>
	spoolStreams.every((stream) => sizeOf(files[stream]) === 0) && !existsSync(limitPath(files));
