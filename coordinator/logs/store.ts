/**
 * Every attempt's output, `<dir>/<run>/<attempt>.log`: appended by offset, so that a chunk that comes twice is stored
 * once, and read by position, live if wanted.
 */

import { closeSync, mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { type AttemptId, isAttemptId, type RunId } from "#shared/ids.ts";
import { AttemptLog } from "./attempt-log.ts";
import { BLOCK_BYTES, decodeFrames, type LogFrame, MAX_DATA_BYTES } from "./frame.ts";
import type { MetricPoint } from "./metrics.ts";

export interface LogChunk extends LogFrame {
	attemptId: string;
}

export interface PlacedLogFrame extends LogFrame {
	/** Given as `from`, reading goes on after this frame. */
	position: number;
}

export interface LogReadOptions {
	from?: number;
	/** Waits for more until every stream has ended. */
	follow?: boolean;
	/** Ends the reading quietly. */
	signal?: AbortSignal;
}

export interface LogStoreOptions {
	/** New metric points, once each while this process lives; `badLines` were skipped. */
	onMetrics?: (attemptId: AttemptId, points: MetricPoint[], badLines: number) => void;
}

export interface LogStore {
	/** Where the stream stands afterwards: less than the chunk's end when bytes before it are missing. */
	append(chunk: LogChunk): number;
	/** The attempt is over and wrote nothing. Nothing is stored: who follows its log needs not wait for more. */
	endSilent(attemptId: string): void;
	/** Resolves when what is stored of a complete log will survive a power cut; at once for one that is not complete. */
	sync(attemptId: string): Promise<void>;
	read(attemptId: string, options?: LogReadOptions): AsyncIterable<PlacedLogFrame>;
	/** When this process last stored some of it; 0 when it has not. */
	changedAtMs(attemptId: AttemptId): number;
	/** All that a run has left. */
	remove(run: RunId): Promise<void>;
	close(): void;
}

const MAX_OPEN_FILES = 256;
/** What is remembered of the attempts used last; of others it is read again from their files. */
const MAX_KNOWN_LOGS = 20_000;

export const openLogStore = (dir: string, options: LogStoreOptions = {}): LogStore => {
	mkdirSync(dir, { recursive: true, mode: 0o700 });
	return new FileLogStore(dir, options);
};

class FileLogStore implements LogStore {
	readonly #dir: string;
	readonly #onMetrics: NonNullable<LogStoreOptions["onMetrics"]>;
	/** Least recently used first, as are the files. */
	readonly #logs = new Map<AttemptId, AttemptLog>();
	readonly #files = new Map<AttemptLog, number>();
	/** Attempts that are said to have written nothing, and whose log nobody has asked for. */
	readonly #silent = new Set<AttemptId>();
	#closed = false;

	constructor(dir: string, { onMetrics = () => undefined }: LogStoreOptions) {
		this.#dir = dir;
		this.#onMetrics = onMetrics;
	}

	append({ attemptId, ...chunk }: LogChunk): number {
		const id = checkedId(attemptId);
		checkChunk(chunk);
		if (this.#closed) throw new RunmeshError("RM_UNAVAILABLE", "the log store is closed");
		const log = this.#log(id);
		const frame = log.newPart(chunk);
		if (frame && !log.takeEmpty(frame)) {
			const { points, badLines } = this.#write(log, frame);
			if (points.length > 0 || badLines > 0) this.#onMetrics(id, points, badLines);
		}
		return log.nextOffset(chunk);
	}

	endSilent(attemptId: string): void {
		const id = checkedId(attemptId);
		const known = this.#logs.get(id);
		if (known) return known.endSilent();
		this.#silent.add(id);
		for (const oldest of this.#silent) {
			if (this.#silent.size <= MAX_KNOWN_LOGS) break;
			this.#silent.delete(oldest);
		}
	}

	async sync(attemptId: string): Promise<void> {
		const log = this.#log(checkedId(attemptId));
		if (!log.ended || !log.hasBytes) return;
		const file = await open(log.path, "r+");
		try {
			await file.datasync();
		} finally {
			await file.close();
		}
	}

	async *read(
		attemptId: string,
		{ from = 0, follow = false, signal }: LogReadOptions = {},
	): AsyncGenerator<PlacedLogFrame> {
		const id = checkedId(attemptId);
		let position = from;
		while (!this.#closed && !signal?.aborted) {
			const log = this.#log(id);
			if (position !== log.size) {
				for (const frame of await readBlock(log, position)) {
					yield frame;
					position = frame.position;
					if (signal?.aborted) return;
				}
			} else if (follow && !log.ended) await log.changed(signal);
			else return;
		}
	}

	changedAtMs(attemptId: AttemptId): number {
		return this.#logs.get(attemptId)?.changedAtMs ?? 0;
	}

	async remove(run: RunId): Promise<void> {
		for (const [id, log] of this.#logs) {
			if (runOf(id) !== run || log.hasFollowers) continue;
			this.#logs.delete(id);
			const file = this.#files.get(log);
			this.#files.delete(log);
			if (file !== undefined) closeSync(file);
		}
		await rm(join(this.#dir, run), { recursive: true, force: true });
	}

	close(): void {
		this.#closed = true;
		for (const file of this.#files.values()) closeSync(file);
		this.#files.clear();
		for (const log of this.#logs.values()) log.wake();
	}

	#write(log: AttemptLog, frame: LogFrame): ReturnType<AttemptLog["append"]> {
		try {
			const file = this.#files.get(log) ?? log.open();
			this.#files.delete(log);
			this.#files.set(log, file);
			for (const [oldest, descriptor] of this.#files) {
				if (this.#files.size <= MAX_OPEN_FILES) break;
				this.#files.delete(oldest);
				closeSync(descriptor);
			}
			return log.append(frame, file);
		} catch (error) {
			throw toRunmeshError(error);
		}
	}

	#openLog(id: AttemptId): AttemptLog {
		const log = new AttemptLog(join(this.#dir, runOf(id), `${id}.log`));
		if (this.#silent.delete(id)) log.endSilent();
		return log;
	}

	#log(id: AttemptId): AttemptLog {
		const log = this.#logs.get(id) ?? this.#openLog(id);
		this.#logs.delete(id);
		this.#logs.set(id, log);
		for (const [oldest, old] of this.#logs) {
			if (this.#logs.size <= MAX_KNOWN_LOGS) break;
			if (old === log || old.hasFollowers) continue;
			this.#logs.delete(oldest);
			const file = this.#files.get(old);
			this.#files.delete(old);
			if (file !== undefined) closeSync(file);
		}
		return log;
	}
}

const runOf = (id: AttemptId): string => id.split(".", 1)[0] as string;

/** Opened anew for each block: a reader that waits holds no file. */
const readBlock = async (log: AttemptLog, position: number): Promise<PlacedLogFrame[]> => {
	const length = Math.min(BLOCK_BYTES, log.size - position);
	const frames: PlacedLogFrame[] = [];
	if (Number.isSafeInteger(position) && position >= 0 && length > 0) {
		const file = await open(log.path, "r");
		try {
			const block = Buffer.allocUnsafe(length);
			const { bytesRead } = await file.read(block, 0, length, position);
			for (const { frame, end } of decodeFrames(block.subarray(0, bytesRead))) {
				frames.push({ ...frame, position: position + end });
			}
		} finally {
			await file.close();
		}
	}
	if (frames.length === 0) {
		throw new RunmeshError("RM_BAD_INPUT", `no log frame starts at position ${position} of ${log.path}`, {
			hint: "read from 0, or from a position that came with a frame",
		});
	}
	return frames;
};

const checkedId = (attemptId: string): AttemptId => {
	if (isAttemptId(attemptId)) return attemptId;
	throw new RunmeshError("RM_BAD_INPUT", `${JSON.stringify(attemptId.slice(0, 100))} is no attempt's id`);
};

const checkChunk = ({ offset, droppedBytes, data }: LogFrame): void => {
	const counts = [offset, droppedBytes, offset + data.length].every(
		(count) => Number.isSafeInteger(count) && count >= 0,
	);
	if (!counts || droppedBytes > offset) {
		throw new RunmeshError("RM_BAD_INPUT", "a log chunk with offsets out of range");
	}
	if (data.length > MAX_DATA_BYTES) {
		throw new RunmeshError("RM_TOO_LARGE", `a log chunk of ${data.length} bytes, ${MAX_DATA_BYTES} are allowed`);
	}
};
