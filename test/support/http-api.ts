/** The real API on a free port, over real stores; the core is stood in for by whoever commits events. */

import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { Commands } from "#coordinator/commands.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { HttpDeps } from "#coordinator/http/deps.ts";
import { startHttp } from "#coordinator/http/server.ts";
import { type LogChunk, type LogStore, openLogStore } from "#coordinator/logs/store.ts";
import { openReadStore, type ReadStore } from "#coordinator/store/store.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { generateCredentials } from "#shared/credentials.ts";

export interface TestApi {
	url: string;
	token: string;
	store: ReadStore;
	logs: LogStore;
	blobs: BlobStore;
	committed: EventEmitter;
	/** One batch: projected, then told. */
	commit(...events: JournalEvent[]): void;
	/** A chunk that goes on where the stream stands. */
	log(attemptId: string, text: string | Uint8Array, more?: Partial<LogChunk>): void;
	endLog(attemptId: string, atMs?: number): void;
	/** With the token; `path` begins behind /api/v1. */
	call(path: string, init?: RequestInit): Promise<Response>;
	json<T>(path: string, init?: RequestInit): Promise<T>;
	/** A new server over the same stores, on another port. */
	restart(): Promise<void>;
	close(): Promise<void>;
}

const unexpected = async (): Promise<never> => {
	throw new Error("no test asked for this");
};

/** Commands of which a test asks only some. */
export const commandsOf = (some: Partial<Commands>): Commands => ({
	submit: unexpected,
	retry: unexpected,
	cancel: unexpected,
	cancelStep: unexpected,
	approve: unexpected,
	plan: unexpected,
	setAgentMode: unexpected,
	forgetAgent: unexpected,
	issueJoinToken: unexpected,
	joinTokens: () => [],
	revokeJoinToken: unexpected,
	redeemJoinToken: unexpected,
	waitReasons: () => new Map(),
	waits: () => new Map(),
	...some,
});

export const startTestApi = async (overrides: Partial<HttpDeps> = {}): Promise<TestApi> => {
	const dir = mkdtempSync(join(tmpdir(), "runmesh-http-"));
	const store = openReadStore(join(dir, "read.sqlite"));
	const logs = openLogStore(join(dir, "logs"));
	const blobs = await openBlobStore(join(dir, "blobs"));
	const committed = new EventEmitter().setMaxListeners(0);
	const credentials = generateCredentials();
	const deps: HttpDeps = {
		host: "127.0.0.1",
		port: 0,
		credentials,
		store,
		logs,
		blobs,
		commands: commandsOf({}),
		agents: () => [],
		joinGrant: () => ({ nats: ["nats://127.0.0.1:4222"], coordinator: "127.0.0.1:7401", credentials }),
		fetchBlob: unexpected,
		committed,
		ready: () => true,
		log: pino({ level: "silent" }),
		...overrides,
	};
	const closeStores = (): void => {
		logs.close();
		store.close();
		rmSync(dir, { recursive: true, force: true });
	};
	let server = await startHttp(deps).catch((error: unknown) => {
		closeStores();
		throw error;
	});
	const offsets = new Map<string, number>();

	const api: TestApi = {
		url: server.url,
		token: credentials.apiToken,
		store,
		logs,
		blobs,
		committed,
		commit: (...events) => {
			const sequence = store.sequence() + 1;
			store.project([{ sequence, events }]);
			committed.emit("committed", sequence);
		},
		log: (attemptId, text, more = {}) => {
			const data = Buffer.from(text);
			const stream = more.stream ?? "stdout";
			const key = `${attemptId} ${stream}`;
			const offset = more.offset ?? (offsets.get(key) ?? 0) + (more.droppedBytes ?? 0);
			offsets.set(key, offset + data.length);
			logs.append({ attemptId, stream, offset, data, atMs: 1_000, droppedBytes: 0, end: false, ...more });
		},
		endLog: (attemptId, atMs = 1_000) => {
			for (const stream of ["stdout", "stderr", "metrics"] as const)
				api.log(attemptId, "", { stream, end: true, atMs });
		},
		call: (path, init = {}) =>
			fetch(`${api.url}/api/v1${path}`, {
				...init,
				headers: { authorization: `Bearer ${api.token}`, ...(init.headers as Record<string, string>) },
			}),
		json: async <T>(path: string, init?: RequestInit) => (await (await api.call(path, init)).json()) as T,
		restart: async () => {
			await server.close();
			server = await startHttp(deps);
			api.url = server.url;
		},
		close: async () => {
			await server.close();
			closeStores();
		},
	};
	return api;
};

export const postJson = (body: unknown): RequestInit => ({
	method: "POST",
	headers: { "content-type": "application/json" },
	body: JSON.stringify(body),
});
