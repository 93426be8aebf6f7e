/**
 * A copy of the journal's newest messages on this coordinator's own disk. JetStream acknowledges before it syncs; what
 * stands here is synced before anybody is told of it, so that a power cut loses nothing that was acknowledged.
 *
 * Segments are only ever appended to, and each start begins a new one. Their space is taken ahead: a write then
 * syncs data alone. A message that takes the sequence of an older one replaces it and all that followed.
 */

import { constants } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import { decodeEntries, encodeEntry, type TailEntry, type TailRecord } from "./tail-record.ts";

export interface Tail {
	/** 0 when it holds nothing. */
	last(): number;
	/** Somebody may have been told of what the journal said up to here. */
	acknowledged(): number;
	/** Names the stream it is a copy of; "" when it holds nothing. */
	stream(): string;
	/** From here on it is a copy of this stream. */
	copies(stream: string): void;
	/** Resolves when the messages are on the disk. JetStream is known to have those up to `acknowledged`. */
	append(messages: readonly TailRecord[], acknowledged: number): Promise<void>;
	/** What it holds behind the sequence is no part of the journal. Written with what comes next. */
	cut(last: number): void;
	/** JetStream has it too. Written behind, with what comes next. */
	acknowledge(sequence: number): void;
	/** Those from the sequence on, without a gap and in order; [] when it is not held. */
	read(from: number): Promise<TailRecord[]>;
	close(): Promise<void>;
}

export const TAIL_SCHEMA_VERSION = 1;
const SEGMENT_BYTES = 4 * 1024 * 1024;
/** JetStream syncs within two minutes: by then it has on its disk what is removed here. */
const KEEP_MS = 5 * 60_000;
const MARK_WITHIN_MS = 100;
const SUFFIX = ".tail";

interface Segment {
	handle: FileHandle;
	number: number;
	at: number;
	size: number;
}

export const openTail = async (folder: string): Promise<Tail> => {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const found = await newestEntries(folder);
	let { last, acknowledged, stream } = found;
	let nextNumber = found.nextNumber;
	let segment: Segment | null = null;
	/** Known to JetStream, and not yet written here. */
	let unmarked = false;
	/** What is cut off is not yet written here. */
	let isCut = false;
	let marking: NodeJS.Timeout | undefined;
	/** Writes follow each other: a mark must not overtake a message. */
	let writing: Promise<void> = Promise.resolve();

	const write = async (entries: readonly TailEntry[]): Promise<void> => {
		const bytes = Buffer.concat(entries.map(encodeEntry));
		if (!segment || segment.at + bytes.length > segment.size) segment = await nextSegment(bytes.length);
		// At the same place again after a failure: what was torn is overwritten.
		await writeAll(segment.handle, bytes, segment.at);
		segment.at += bytes.length;
	};

	const nextSegment = async (room: number): Promise<Segment> => {
		const number = nextNumber;
		const made = await makeSegment(folder, number, stream, room);
		nextNumber = number + 1;
		await segment?.handle.close();
		await removeOld(folder, number);
		return made;
	};

	const inOrder = (work: () => Promise<void>): Promise<void> => {
		const done = writing.then(work);
		writing = done.catch(() => undefined);
		return done;
	};

	const mark = (): Promise<void> =>
		inOrder(async () => {
			if (!unmarked) return;
			await write([{ kind: "acknowledged", acknowledged }]);
			unmarked = false;
		});

	return {
		last: () => last,
		acknowledged: () => acknowledged,
		stream: () => stream,
		copies: (copied) => {
			if (copied === stream) return;
			stream = copied;
			[last, acknowledged] = [0, 0];
			void segment?.handle.close();
			segment = null;
		},
		append: (messages, known) =>
			inOrder(async () => {
				const entries = messages.map(
					(message): TailEntry => ({ kind: "message", acknowledged: Math.min(known, message.sequence), message }),
				);
				// What comes next need not take its place: of those between, some may be too old to be copied.
				if (isCut) entries.unshift({ kind: "cut", acknowledged: Math.min(known, last), last });
				await write(entries);
				isCut = false;
				last = messages.at(-1)?.sequence ?? last;
				acknowledged = Math.min(known, last);
				unmarked = false;
			}),
		cut: (sequence) => {
			if (sequence >= last) return;
			last = sequence;
			isCut = true;
		},
		acknowledge: (sequence) => {
			acknowledged = Math.max(acknowledged, sequence);
			unmarked = true;
			marking ??= setTimeout(() => {
				marking = undefined;
				mark().catch(() => undefined);
			}, MARK_WITHIN_MS).unref();
		},
		read: (from) => readFrom(folder, from, stream),
		close: async () => {
			clearTimeout(marking);
			await mark().catch(() => undefined);
			await segment?.handle.close();
		},
	};
};

/** What the newest segment with a message says: it stands for all. */
const newestEntries = async (folder: string) => {
	const numbers = await segmentNumbers(folder);
	const nextNumber = (numbers.at(-1) ?? 0) + 1;
	let acknowledged = 0;
	for (const number of numbers.toReversed()) {
		const [head, ...entries] = await readSegment(folder, number);
		for (const entry of entries) {
			if (entry.kind !== "segment") acknowledged = Math.max(acknowledged, entry.acknowledged);
		}
		const newest = entries.findLast((entry) => entry.kind === "message");
		if (!newest || head?.kind !== "segment") continue;
		const last = newest.message.sequence;
		return { last, acknowledged: Math.min(acknowledged, last), stream: head.stream, nextNumber };
	}
	return { last: 0, acknowledged: 0, stream: "", nextNumber };
};

const readFrom = async (folder: string, from: number, stream: string): Promise<TailRecord[]> => {
	/** The oldest taken first. */
	let taken: TailRecord[] = [];
	/** What newer segments have left of older ones. */
	let left = Number.POSITIVE_INFINITY;
	for (const number of (await segmentNumbers(folder)).toReversed()) {
		const [head, ...entries] = await readSegment(folder, number);
		if (head?.kind !== "segment" || head.stream !== stream) break;
		const messages = withoutReplaced(entries).filter(({ sequence }) => sequence <= left);
		for (const entry of entries) if (entry.kind === "cut") left = Math.min(left, entry.last);
		const [newer] = taken;
		const older = newer ? messages.filter(({ sequence }) => sequence < newer.sequence) : messages;
		if (newer && older.length > 0 && older.at(-1)?.sequence !== newer.sequence - 1) break;
		taken = [...older, ...taken];
		if (taken[0] && taken[0].sequence <= from) break;
	}
	const wanted = taken.filter(({ sequence }) => sequence >= from);
	return wanted[0]?.sequence === from ? wanted : [];
};

/** The newest without a gap. */
const withoutReplaced = (entries: readonly TailEntry[]): TailRecord[] => {
	let messages: TailRecord[] = [];
	for (const entry of entries) {
		if (entry.kind === "cut") messages = messages.filter(({ sequence }) => sequence <= entry.last);
		if (entry.kind !== "message") continue;
		const { sequence } = entry.message;
		const before = messages.findLastIndex((message) => message.sequence < sequence);
		messages = messages[before]?.sequence === sequence - 1 ? messages.slice(0, before + 1) : [];
		messages.push(entry.message);
	}
	return messages;
};

const readSegment = async (folder: string, number: number): Promise<TailEntry[]> => {
	const [head, ...entries] = decodeEntries(await readFile(pathOf(folder, number)));
	if (head?.kind !== "segment") return [];
	if (head.schemaVersion > TAIL_SCHEMA_VERSION) {
		throw new RunmeshError(
			"RM_JOURNAL_INVALID",
			`the copy of the journal in ${folder} is of schema ${head.schemaVersion}, this release reads up to ${TAIL_SCHEMA_VERSION}`,
			{ hint: "start a release at least as new as the one that wrote it" },
		);
	}
	return [head, ...entries];
};

const segmentNumbers = async (folder: string): Promise<number[]> =>
	(await readdir(folder))
		.filter((name) => name.endsWith(SUFFIX))
		.map((name) => Number(name.slice(0, -SUFFIX.length)))
		.filter(Number.isSafeInteger)
		.sort((a, b) => a - b);

const pathOf = (folder: string, number: number): string => join(folder, `${String(number).padStart(10, "0")}${SUFFIX}`);

const makeSegment = async (folder: string, number: number, stream: string, room: number): Promise<Segment> => {
	const head = encodeEntry({ kind: "segment", schemaVersion: TAIL_SCHEMA_VERSION, stream });
	const size = Math.max(SEGMENT_BYTES, head.length + room);
	const path = pathOf(folder, number);
	const handle = await open(
		path,
		constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY | constants.O_DSYNC,
		0o600,
	);
	try {
		await writeAll(handle, Buffer.concat([head], size), 0);
		await handle.sync();
		await syncFolder(folder);
	} catch (error) {
		// Its space is given back to a disk that may be full.
		await handle.close();
		await rm(path, { force: true });
		throw error;
	}
	return { handle, number, at: head.length, size };
};

/** A file that power cuts must not lose stands in a folder that is synced. */
const syncFolder = async (folder: string): Promise<void> => {
	const handle = await open(folder, constants.O_RDONLY);
	await handle.sync().finally(() => handle.close());
};

const writeAll = async (handle: FileHandle, bytes: Buffer, position: number): Promise<void> => {
	for (let done = 0; done < bytes.length; ) {
		const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
		done += bytesWritten;
	}
};

/** All but the present one and the one before that were last written long ago. */
const removeOld = async (folder: string, present: number): Promise<void> => {
	for (const number of (await segmentNumbers(folder)).filter((each) => each < present - 1)) {
		const path = pathOf(folder, number);
		const { mtimeMs } = await stat(path);
		if (Date.now() - mtimeMs > KEEP_MS) await rm(path, { force: true });
	}
};
