/** What is stored of several attempts' logs, merged by time. Few are open at once, however many there are. */

import type { LogRecord } from "#shared/api.ts";
import type { LogStore } from "../logs/store.ts";
import type { LogAttempt } from "../store/log-attempts.ts";
import { createRecordMaker, type RecordMaker } from "./log-records.ts";

/** An attempt's log, and how far it has been read. */
export interface LogReader {
	attempt: LogAttempt;
	/** For LogStore.read. */
	position: number;
	records: RecordMaker;
}

export const newLogReader = (attempt: LogAttempt): LogReader => ({
	attempt,
	position: 0,
	records: createRecordMaker(attempt),
});

interface Open {
	reader: LogReader;
	frames: AsyncIterator<LogRecord[]>;
	head: LogRecord[];
	atMs: number;
}

/** Each holds a block of its file. More attempts than that at the same time come one after the other. */
const OPEN_MAX = 64;

/** `readers` in the order of their leases. Yields the records of a frame at a time; `signal` ends it. */
export async function* mergeHistory(
	logs: LogStore,
	readers: readonly LogReader[],
	signal: AbortSignal,
): AsyncGenerator<LogRecord[]> {
	const open: Open[] = [];
	let next = 0;
	try {
		for (;;) {
			for (let reader = readers[next]; reader && open.length < OPEN_MAX; reader = readers[++next]) {
				const opened: Open = { reader, frames: readRecords(logs, reader, { signal }), head: [], atMs: 0 };
				open.push(opened);
				if (!(await advance(opened))) open.pop();
			}
			const first = earliest(open);
			if (!first || signal.aborted) return;
			yield first.head;
			if (!(await advance(first))) open.splice(open.indexOf(first), 1);
		}
	} finally {
		await Promise.all(open.map(({ frames }) => frames.return?.()));
	}
}

/** The records of each frame behind the reader's position, which moves along. */
export async function* readRecords(
	logs: LogStore,
	reader: LogReader,
	options: { follow?: boolean; signal: AbortSignal },
): AsyncGenerator<LogRecord[]> {
	for await (const frame of logs.read(reader.attempt.id, { ...options, from: reader.position })) {
		reader.position = frame.position;
		const records = reader.records.take(frame);
		if (records.length > 0) yield records;
	}
}

const earliest = (open: readonly Open[]): Open | undefined => {
	let first: Open | undefined;
	for (const candidate of open) if (!first || candidate.atMs < first.atMs) first = candidate;
	return first;
};

const advance = async (open: Open): Promise<boolean> => {
	const { done, value } = await open.frames.next();
	if (done) return false;
	open.head = value;
	open.atMs = value[0]?.atMs ?? open.atMs;
	return true;
};
