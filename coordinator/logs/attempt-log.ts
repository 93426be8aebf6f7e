/** One attempt's log file: where each stream stands, and appending to it so that a crash tears off the last frame at most. */

import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { BLOCK_BYTES, decodeFrames, encodeFrame, type LogFrame, type LogStreamName, logStreams } from "./frame.ts";
import { MetricParser, type ParsedMetrics } from "./metrics.ts";

export class AttemptLog {
	readonly path: string;
	/** Where the next frame goes. */
	size = 0;
	/** When this process last appended to it. */
	changedAtMs = 0;
	readonly #next = { stdout: 0, stderr: 0, metrics: 0 };
	readonly #ended = new Set<LogStreamName>();
	readonly #metrics = new MetricParser();
	readonly #waiting = new Set<() => void>();
	/** Ends of streams that wrote nothing: a log without a byte needs no file. They go with the first that has one. */
	#unwritten: LogFrame[] = [];

	/** Reads what is there and cuts off a torn last frame. */
	constructor(path: string) {
		this.path = path;
		// Most that are asked for here are new: an error would cost far more than the look.
		if (!existsSync(path)) return;
		const file = openSync(path, "r+");
		try {
			this.#recover(file);
		} finally {
			closeSync(file);
		}
	}

	/** Takes what newPart gave without a file, where there is nothing to store. */
	takeEmpty(frame: LogFrame): boolean {
		if (this.size > 0 || frame.data.length > 0 || frame.droppedBytes > 0) return false;
		this.#unwritten.push(frame);
		this.#taken(frame);
		return true;
	}

	/** Of one that wrote nothing. */
	endSilent(): void {
		if (this.hasBytes) return;
		for (const stream of logStreams) this.#ended.add(stream);
		this.wake();
	}

	/** For append; the caller closes it. */
	open(): number {
		mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
		try {
			return openSync(this.path, "r+");
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
			return openSync(this.path, "wx+", 0o600);
		}
	}

	/**
	 * The part of a frame that is not here yet; null when it is here already, or when bytes before it are neither here
	 * nor counted as dropped.
	 */
	newPart(frame: LogFrame): LogFrame | null {
		const next = this.#next[frame.stream];
		if (this.#ended.has(frame.stream) || frame.offset - frame.droppedBytes > next) return null;
		const offset = Math.max(frame.offset, next);
		const data = frame.data.subarray(Math.min(offset - frame.offset, frame.data.length));
		const droppedBytes = Math.max(0, frame.offset - next);
		return data.length > 0 || droppedBytes > 0 || frame.end ? { ...frame, offset, data, droppedBytes } : null;
	}

	/** Appends what newPart gave. */
	append(frame: LogFrame, file: number): ParsedMetrics {
		const encoded = encodeFrame(frame);
		const bytes =
			this.#unwritten.length === 0 ? encoded : Buffer.concat([...this.#unwritten.map(encodeFrame), encoded]);
		try {
			for (let written = 0; written < bytes.length; ) {
				written += writeSync(file, bytes, written, bytes.length - written, this.size + written);
			}
		} catch (error) {
			// Half a frame, as a full disk leaves it, must not stand before later ones.
			ftruncateSync(file, this.size);
			throw Object.assign(error as Error, { path: this.path });
		}
		this.size += bytes.length;
		this.#unwritten = [];
		return this.#taken(frame);
	}

	/** What to answer a chunk with. A stream that has ended wants nothing more: it claims to have it all. */
	nextOffset({ stream, offset, data }: LogFrame): number {
		const next = this.#next[stream];
		return this.#ended.has(stream) ? Math.max(next, offset + data.length) : next;
	}

	get ended(): boolean {
		return this.#ended.size === logStreams.length;
	}

	get hasBytes(): boolean {
		return logStreams.some((stream) => this.#next[stream] > 0);
	}

	get hasFollowers(): boolean {
		return this.#waiting.size > 0;
	}

	/** Resolves at the next append, or when the signal aborts. */
	changed(signal?: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const done = (): void => {
				this.#waiting.delete(done);
				signal?.removeEventListener("abort", done);
				resolve();
			};
			this.#waiting.add(done);
			signal?.addEventListener("abort", done, { once: true });
		});
	}

	wake(): void {
		for (const done of [...this.#waiting]) done();
	}

	#taken(frame: LogFrame): ParsedMetrics {
		this.changedAtMs = Date.now();
		const metrics = this.#apply(frame);
		this.wake();
		return metrics;
	}

	#apply({ stream, offset, data, atMs, end }: LogFrame): ParsedMetrics {
		this.#next[stream] = offset + data.length;
		if (end) this.#ended.add(stream);
		if (stream !== "metrics") return { points: [], badLines: 0 };
		const parsed = this.#metrics.push(data, atMs);
		if (!end) return parsed;
		const last = this.#metrics.end(atMs);
		return { points: [...parsed.points, ...last.points], badLines: parsed.badLines + last.badLines };
	}

	#recover(file: number): void {
		const block = Buffer.allocUnsafe(BLOCK_BYTES);
		for (;;) {
			const length = readSync(file, block, 0, block.length, this.size);
			let intact = 0;
			for (const { frame, end } of decodeFrames(block.subarray(0, length))) {
				this.#apply(frame);
				intact = end;
			}
			this.size += intact;
			if (intact > 0) continue;
			if (length > 0) ftruncateSync(file, this.size);
			return;
		}
	}
}
