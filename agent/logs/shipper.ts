/**
 * Brings the output of this agent's attempts to the coordinator, every byte once, whatever restarts in between. All
 * attempts share one stream, chunk by chunk in turn, so that one flood does not hold up another's log.
 */

import type { Clock } from "#shared/clock.ts";
import type { Credentials } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import { isAttemptId } from "#shared/ids.ts";
import { openPushConnection, type PushConnection } from "./push-connection.ts";
import { type ShippedStream, streamKey } from "./shipped-stream.ts";
import type { SpoolFiles } from "./spool.ts";
import { isUntouched, type LogTotals, TrackedAttempt } from "./tracked-attempt.ts";

export interface LogShipperOptions {
	/** host:port of the coordinator's gRPC. */
	address(): string;
	/** Nobody has answered there. */
	onMissed(address: string): void;
	credentials: Credentials;
	/** Of stdout and stderr together, for each attempt; $RUNMESH_METRICS has as much to itself. */
	limitBytes: number;
	clock: Clock;
	/** The stream was lost, and why; it is being opened again. */
	onProblem?: (error: RunmeshError) => void;
}

export interface LogShipper {
	/** The process appends to these files; they stay until the caller removes them. */
	track(attemptId: string, files: SpoolFiles): TrackedLog;
	/** Of a process that is over: as track and finish do, and at once when it wrote nothing. */
	ship(attemptId: string, files: SpoolFiles): Promise<LogTotals>;
	/** The coordinator is found elsewhere now. */
	reconnect(): void;
	/** Stops shipping; a pending finish() stays pending. */
	close(): void;
}

export interface TrackedLog {
	/** There may be more. */
	poke(): void;
	/** The process is over: resolves once the coordinator has everything. */
	finish(): Promise<LogTotals>;
	/** Forgets the attempt; a pending finish() is rejected. */
	drop(): void;
}

/** Changes of so short a time are looked at together. */
const COALESCE_MS = 5;
/** Where watching files fails, or loses an event. */
const POLL_MS = 1_000;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** The coordinator owes an answer, and nothing comes. */
const SILENCE_MS = 30_000;

export const createLogShipper = (options: LogShipperOptions): LogShipper => new Shipper(options);

class Shipper implements LogShipper {
	readonly #options: LogShipperOptions;
	readonly #tracks = new Map<string, TrackedAttempt>();
	readonly #streams = new Map<string, ShippedStream>();
	/** In the order of their turns. */
	readonly #ready = new Set<ShippedStream>();
	readonly #changed = new Set<TrackedAttempt>();
	/** Over without a byte, and not yet told. */
	#silent: string[] = [];
	#connection: PushConnection | null = null;
	/** Grows with every stream to the coordinator; 0 while there is none. */
	#session = 0;
	#sessions = 0;
	#inFlightBytes = 0;
	#heardAtMs = 0;
	#sending = false;
	#scanning: NodeJS.Timeout | null = null;
	#polling: NodeJS.Timeout | null = null;

	constructor(options: LogShipperOptions) {
		this.#options = options;
	}

	track(attemptId: string, files: SpoolFiles): TrackedLog {
		return this.#track(attemptId, files, true);
	}

	ship(attemptId: string, files: SpoolFiles): Promise<LogTotals> {
		if (!isUntouched(files)) return this.#track(attemptId, files, false).finish();
		this.#silent.push(attemptId);
		this.#connection ??= this.#connect();
		this.#scanSoon();
		return Promise.resolve({ logBytes: 0, droppedBytes: 0 });
	}

	reconnect(): void {
		this.#connection?.reset();
	}

	close(): void {
		if (this.#scanning) clearTimeout(this.#scanning);
		if (this.#polling) clearInterval(this.#polling);
		this.#connection?.close();
		for (const track of this.#tracks.values()) this.#forget(track);
	}

	#track(attemptId: string, files: SpoolFiles, isLive: boolean): TrackedLog {
		if (!isAttemptId(attemptId)) throw new RunmeshError("RM_BAD_INPUT", `"${attemptId}" is no attempt's id`);
		if (this.#tracks.has(attemptId))
			throw new RunmeshError("RM_CONFLICT", `the log of ${attemptId} is shipped already`);
		const track = new TrackedAttempt(attemptId, files, this.#options.limitBytes);
		if (isLive) track.watch(() => this.#note(track));
		this.#tracks.set(attemptId, track);
		for (const stream of track.streams) this.#streams.set(stream.key, stream);
		this.#connection ??= this.#connect();
		this.#polling ??= setInterval(() => this.#poll(), POLL_MS);
		this.#note(track);
		return {
			poke: () => this.#note(track),
			finish: () => {
				const totals = track.complete();
				this.#shipNews(track);
				return totals;
			},
			drop: () => {
				if (!this.#tracks.has(attemptId)) return;
				this.#forget(track);
				track.abandon();
			},
		};
	}

	#connect(): PushConnection {
		const { address, onMissed, credentials, onProblem } = this.#options;
		return openPushConnection({
			address,
			onMissed,
			credentials,
			onOpen: () => {
				this.#session = ++this.#sessions;
				// A turn later: the first call comes before #connection is set.
				queueMicrotask(() => this.#send());
				for (const stream of this.#streams.values()) this.#ready.add(stream);
			},
			onAnswer: ({ attemptId, stream, nextOffset }) => {
				this.#heardAtMs = this.#options.clock.nowMs();
				const shipped = this.#streams.get(streamKey(attemptId, stream));
				if (shipped) this.#answered(shipped, nextOffset);
			},
			onLost: (error) => {
				this.#session = 0;
				this.#inFlightBytes = 0;
				for (const stream of this.#streams.values()) stream.lost();
				onProblem?.(error);
			},
		});
	}

	#answered(stream: ShippedStream, nextOffset: number): void {
		this.#inFlightBytes -= stream.answered(nextOffset);
		const track = this.#tracks.get(stream.attemptId);
		if (track?.isShipped) {
			this.#forget(track);
			track.settle();
		} else this.#ready.add(stream);
		this.#send();
	}

	/** Something may have been written: looked at soon, with all others. */
	#note(track: TrackedAttempt): void {
		this.#changed.add(track);
		this.#scanSoon();
	}

	#scanSoon(): void {
		this.#scanning ??= setTimeout(() => {
			this.#scanning = null;
			for (const changed of this.#changed) this.#shipNews(changed);
			this.#tellSilent();
		}, COALESCE_MS);
	}

	/** Once: who is not heard of holds up a reader for some seconds, and costs no byte. */
	#tellSilent(): void {
		const silentAttemptIds = this.#silent;
		this.#silent = [];
		if (silentAttemptIds.length > 0 && this.#session !== 0) this.#connection?.send({ silentAttemptIds });
	}

	#shipNews(track: TrackedAttempt): void {
		this.#changed.delete(track);
		if (!this.#tracks.has(track.attemptId)) return;
		track.scan();
		for (const stream of track.streams) this.#ready.add(stream);
		this.#send();
	}

	#poll(): void {
		for (const track of this.#tracks.values()) this.#note(track);
		const silentMs = this.#options.clock.nowMs() - this.#heardAtMs;
		if (this.#inFlightBytes > 0 && silentMs > SILENCE_MS) this.#connection?.reset();
	}

	#send(): void {
		if (!this.#sending) void this.#sendInTurn();
	}

	/** One chunk of each that has any, round and round, while the window is open. */
	async #sendInTurn(): Promise<void> {
		this.#sending = true;
		// A set goes on to what is added while it is walked: who has sent a chunk comes last.
		for (const stream of this.#ready) {
			const session = this.#session;
			if (session === 0 || this.#inFlightBytes >= WINDOW_BYTES) break;
			this.#ready.delete(stream);
			const chunk = await stream.nextChunk();
			if (!chunk || !this.#streams.has(stream.key)) continue;
			this.#ready.add(stream);
			// The connection or an answer came in between while the file was read.
			if (session !== this.#session || !stream.isNext(chunk)) continue;
			const atMs = Math.round(this.#options.clock.nowMs());
			if (this.#inFlightBytes === 0) this.#heardAtMs = atMs;
			this.#inFlightBytes += stream.sent(chunk);
			this.#connection?.send({ ...chunk, atMs });
		}
		this.#sending = false;
	}

	#forget(track: TrackedAttempt): void {
		this.#tracks.delete(track.attemptId);
		this.#changed.delete(track);
		for (const stream of track.streams) {
			this.#streams.delete(stream.key);
			this.#ready.delete(stream);
			this.#inFlightBytes -= stream.inFlightBytes;
		}
		track.unwatch();
		if (this.#tracks.size === 0 && this.#polling) {
			clearInterval(this.#polling);
			this.#polling = null;
		}
	}
}
