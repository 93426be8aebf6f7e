/**
 * Journals of releases, kept in files: the messages as they lie in RM_JOURNAL, and what the release that wrote them
 * made of them, at several points of the way, with a snapshot of its own. A later release must make the same of them.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";
import { apply } from "#coordinator/core/apply.ts";
import { dumpState, writeDump } from "#coordinator/core/snapshot.ts";
import { type MeshState, newMeshState, type Run, type Step } from "#coordinator/core/state.ts";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";

export interface KeptJournal {
	/** The first of them is message 1. */
	messages: Uint8Array[];
	/** In the order of their messages; the last one is of the whole journal. */
	moments: Moment[];
	/** Taken by the release that wrote it; null before there were any. */
	snapshot: { messages: number; texts: string[] } | null;
}

/** What a journal comes to after so many of its messages. Later releases may know more, but nothing else. */
interface Moment {
	messages: number;
	live: unknown;
	read: unknown;
}

const RUNS_MAX = 100;
const MOMENTS = 4;

export const readKeptJournal = (path: string): KeptJournal => {
	const [story, ...messages] = splitRecords(gunzipSync(readFileSync(path)));
	const told = JSON.parse(Buffer.from(story ?? []).toString("utf8")) as Moment[] | Omit<KeptJournal, "messages">;
	return Array.isArray(told) ? { messages, moments: told, snapshot: null } : { messages, ...told };
};

export const writeKeptJournal = (path: string, messages: readonly Uint8Array[]): void => {
	const counts = Array.from({ length: MOMENTS }, (_, index) => Math.ceil((messages.length * (index + 1)) / MOMENTS));
	const middle = messages.length >> 1;
	const snapshot = { messages: middle, texts: [...writeDump(dumpState(replay(messages.slice(0, middle))))] };
	const story = JSON.stringify({ moments: momentsOf(messages, [...new Set(counts)]), snapshot });
	writeFileSync(path, gzipSync(joinRecords([Buffer.from(story), ...messages]), { level: 9 }));
};

/** Replays the messages, and says what they come to after each of the counts. */
export const momentsOf = (messages: readonly Uint8Array[], counts: readonly number[]): Moment[] => {
	const state = newMeshState();
	const store = openReadStore(":memory:");
	const moments: Moment[] = [];
	for (const [index, data] of messages.entries()) {
		const { events } = batchCodec.decode(data);
		for (const event of events) apply(state, event);
		store.project([{ sequence: index + 1, events }]);
		if (!counts.includes(index + 1)) continue;
		// As it comes back from a file: what is undefined is not there.
		const moment: Moment = { messages: index + 1, live: liveView(state), read: readView(store) };
		moments.push(JSON.parse(JSON.stringify(moment)) as Moment);
	}
	store.close();
	return moments;
};

/** What the messages bring to the state, by themselves or on top of another. */
export const replay = (messages: readonly Uint8Array[], state: MeshState = newMeshState()): MeshState => {
	for (const data of messages) for (const event of batchCodec.decode(data).events) apply(state, event);
	return state;
};

export const liveView = ({ epoch, fence, runs, submissions, models, deployments, attempts }: MeshState): object => ({
	epoch,
	fence,
	runs: [...runs.values()].map(runView),
	submissions: Object.fromEntries(submissions),
	models: Object.fromEntries(models),
	deployments: [...deployments.values()].map(({ putAtMs: _, replicas, ...deployment }) => ({
		...deployment,
		replicas: Object.fromEntries(replicas),
	})),
	attempts: [...attempts.keys()].sort(),
});

const runView = ({ id, definition, params, code, submissionId, status, steps }: Run): object => {
	const { name } = definition;
	return { id, name, params, code, submissionId, status, steps: [...steps.values()].map(stepView) };
};

const stepView = (step: Step): object => {
	const { key, matrix, status, attempts, failures, losses, readyAtMs, notBeforeMs, outputs, metrics, failure } = step;
	const { id, number, fence, agentId, status: attemptStatus } = step.attempt ?? {};
	const attempt = step.attempt && { id, number, fence, agentId, status: attemptStatus };
	const counts = { attempts, failures, losses, readyAtMs, notBeforeMs };
	return { key, matrix, status, ...counts, outputs, metrics, failure, attempt };
};

const readView = (store: ReadStore): object => ({
	runs: store.runs({ limit: RUNS_MAX }).items.map(({ id }) => ({ ...store.run(id), artifacts: store.artifacts(id) })),
	models: store.models(),
	deployments: store.deployments(),
});

const joinRecords = (records: readonly Uint8Array[]): Buffer =>
	Buffer.concat(
		records.flatMap((record) => {
			const length = Buffer.alloc(4);
			length.writeUInt32BE(record.length);
			return [length, record];
		}),
	);

const splitRecords = (bytes: Buffer): Uint8Array[] => {
	const records: Uint8Array[] = [];
	for (let at = 0; at < bytes.length; ) {
		const length = bytes.readUInt32BE(at);
		records.push(bytes.subarray(at + 4, at + 4 + length));
		at += 4 + length;
	}
	return records;
};
