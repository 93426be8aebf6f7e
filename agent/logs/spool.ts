/**
 * The files that a step's process appends its output to, and the log limit on them. A file past its limit is cut back
 * to what is kept: those bytes stay where they are, so an offset in the file is the offset in the log, and the disk
 * holds little more than the limit. What was cut is remembered beside the files, for an agent that starts again.
 * While the disk is nearly full a large log ends where it is: what it takes here, it takes a second time where it is
 * stored, which may be the same disk.
 */

import {
	closeSync,
	constants,
	fstatSync,
	fsyncSync,
	ftruncateSync,
	openSync,
	renameSync,
	statfsSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { createAnew, READ_AT_ONCE, readPlain } from "../system/plain-file.ts";

export const spoolStreams = ["stdout", "stderr", "metrics"] as const;
export type SpoolStream = (typeof spoolStreams)[number];
export type SpoolFiles = Record<SpoolStream, string>;

/** How far a file may grow past its limit before it is cut. */
const SLACK_BYTES = 4 * 1024 * 1024;
/** Of the limit that stdout and stderr share: a flood on one leaves this part to the other. */
const RESERVED_PART = 16;
/** A log that is no larger goes on while the disk is nearly full. */
const LARGE_BYTES = 4 * 1024 * 1024;

interface StreamState {
	/** Bytes that count, once the limit is reached; null before. */
	limit: number | null;
	/** Bytes cut off so far. */
	cut: number;
}

type SpoolState = Record<SpoolStream, StreamState>;

const freshState = (): SpoolState => ({
	stdout: { limit: null, cut: 0 },
	stderr: { limit: null, cut: 0 },
	metrics: { limit: null, cut: 0 },
});

export class Spool {
	readonly #files: SpoolFiles;
	readonly #limitBytes: number;
	readonly #statePath: string;
	readonly #state: SpoolState;
	readonly #sizes = { stdout: 0, stderr: 0, metrics: 0 };
	readonly #kept = { stdout: 0, stderr: 0, metrics: 0 };
	#unsaved = false;

	constructor(files: SpoolFiles, limitBytes: number) {
		this.#files = files;
		this.#limitBytes = limitBytes;
		this.#statePath = limitPath(files);
		this.#state = readState(this.#statePath);
	}

	/** Bytes of the stream that are to be shipped, as of the last scan. */
	kept(stream: SpoolStream): number {
		return this.#kept[stream];
	}

	/** Bytes past the limit, as of the last scan. Those written in the very moment of a cut are not seen. */
	dropped(stream: SpoolStream): number {
		return this.#state[stream].cut + this.#sizes[stream] - this.#kept[stream];
	}

	/** What has been shipped of a stream is not taken back. */
	scan(shipped: (stream: SpoolStream) => number): void {
		const isLow = isDiskLow(dirname(this.#files.stdout));
		for (const stream of spoolStreams) {
			this.#sizes[stream] = sizeOf(this.#files[stream]);
			if (isLow) this.#restrict(stream, Math.max(LARGE_BYTES, shipped(stream)));
			this.#measure(stream);
		}
		for (const stream of spoolStreams) {
			const { limit } = this.#state[stream];
			const slack = isLow ? 0 : SLACK_BYTES;
			if (limit !== null && this.#sizes[stream] > limit + slack) this.#cut(stream, limit);
		}
		if (this.#unsaved) this.#save();
	}

	/** Up to `length` bytes at `offset`; a file that lacks them is taken to end there. */
	async read(stream: SpoolStream, offset: number, length: number): Promise<Buffer> {
		const bytes = Buffer.allocUnsafe(length);
		let bytesRead = 0;
		try {
			const file = await open(this.#files[stream], READ_AT_ONCE);
			try {
				({ bytesRead } = await file.read(bytes, 0, length, offset));
			} finally {
				await file.close();
			}
		} catch {
			// Nobody can bring these bytes back; the log must still come to its end.
		}
		if (bytesRead === 0 && length > 0) {
			this.#state[stream].limit = offset;
			this.#kept[stream] = offset;
			this.#unsaved = true;
		}
		return bytes.subarray(0, bytesRead);
	}

	#restrict(stream: SpoolStream, limit: number): void {
		const state = this.#state[stream];
		if (this.#sizes[stream] <= limit || (state.limit ?? Number.POSITIVE_INFINITY) <= limit) return;
		state.limit = limit;
		this.#unsaved = true;
	}

	#measure(stream: SpoolStream): void {
		const state = this.#state[stream];
		const size = this.#sizes[stream];
		if (state.limit === null && size > this.#room(stream)) {
			state.limit = Math.max(this.#kept[stream], this.#room(stream));
			this.#unsaved = true;
		}
		this.#kept[stream] = Math.min(size, state.limit ?? size);
	}

	#room(stream: SpoolStream): number {
		if (stream === "metrics") return this.#limitBytes;
		const other = this.#kept[stream === "stdout" ? "stderr" : "stdout"];
		return this.#limitBytes - Math.max(other, Math.floor(this.#limitBytes / RESERVED_PART));
	}

	#cut(stream: SpoolStream, limit: number): void {
		// Without this on the disk, an agent that starts again would take later bytes for those that were cut.
		if (this.#unsaved) this.#save();
		this.#state[stream].cut += cutFile(this.#files[stream], limit);
		this.#sizes[stream] = sizeOf(this.#files[stream]);
		this.#unsaved = true;
	}

	/** On a full disk this fails, while a cut makes room: the next scan tries again. */
	#save(): void {
		try {
			const staged = `${this.#statePath}.new`;
			const file = createAnew(staged);
			try {
				writeFileSync(file, JSON.stringify(this.#state));
				fsyncSync(file);
			} finally {
				closeSync(file);
			}
			renameSync(staged, this.#statePath);
			this.#unsaved = false;
		} catch {
			this.#unsaved = true;
		}
	}
}

/** Where it stands what was cut. */
export const limitPath = ({ stdout }: SpoolFiles): string => `${stdout}.limit`;

const readState = (path: string): SpoolState => {
	try {
		const state: unknown = JSON.parse(readPlain(path).toString());
		return isState(state) ? state : freshState();
	} catch {
		return freshState();
	}
};

const isState = (value: unknown): value is SpoolState => {
	const isCount = (count: unknown): boolean => Number.isSafeInteger(count) && (count as number) >= 0;
	return spoolStreams.every((stream) => {
		const { limit, cut } = (value as Partial<SpoolState> | null)?.[stream] ?? {};
		return (limit === null || isCount(limit)) && isCount(cut);
	});
};

const LOW_BYTES = 64 * 1024 * 1024;

/** Of a small disk a quarter is little enough. */
const isDiskLow = (folder: string): boolean => {
	try {
		const { bavail, blocks, bsize } = statfsSync(folder);
		return bavail * bsize < Math.min(LOW_BYTES, (blocks * bsize) / 4);
	} catch {
		return false;
	}
};

/** A file that the step never opened, or took away, is empty. */
export const sizeOf = (path: string): number => {
	try {
		return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
	} catch {
		return 0;
	}
};

/** Bytes cut off; none when the file can't be cut now, and the next scan tries again. */
const cutFile = (path: string, limit: number): number => {
	try {
		// What a step put a link to is its own to cut.
		const file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
		try {
			const { size } = fstatSync(file);
			ftruncateSync(file, limit);
			return size - limit;
		} finally {
			closeSync(file);
		}
	} catch {
		return 0;
	}
};
