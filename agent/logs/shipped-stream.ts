/** Where one stream of one attempt stands on its way: what was sent, what was answered, what comes next. */

import type { PushRequest } from "#proto-gen/runmesh/log/v1/PushRequest.ts";
import type { Spool, SpoolStream } from "./spool.ts";

export interface Chunk extends PushRequest {
	offset: number;
	data: Buffer;
	end: boolean;
}

const CHUNK_BYTES = 256 * 1024;
/** The first chunk of a connection asks where the stream stands: an agent that started again may be far behind. */
const FIRST_CHUNK_BYTES = 64 * 1024;
/** A stream's share of what may be under way. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
/** So that empty chunks fill a window too. */
const CHUNK_OVERHEAD_BYTES = 256;

const wireNames = { stdout: "LOG_STREAM_STDOUT", stderr: "LOG_STREAM_STDERR", metrics: "LOG_STREAM_METRICS" } as const;

export class ShippedStream {
	readonly attemptId: string;
	/** As an answer names it. */
	readonly key: string;
	readonly name: SpoolStream;
	/** The coordinator has everything, the end included. */
	shipped = false;
	inFlightBytes = 0;
	readonly #spool: Spool;
	#sent = 0;
	#acknowledged = 0;
	/** The coordinator has said where it stands, so that more than one chunk may be under way. */
	#aligned = false;
	/** Nothing more will be written. */
	#complete = false;
	#endSent = false;
	#inFlight: { endOffset: number; end: boolean; cost: number }[] = [];

	constructor(attemptId: string, name: SpoolStream, spool: Spool) {
		this.attemptId = attemptId;
		this.key = streamKey(attemptId, wireNames[name]);
		this.name = name;
		this.#spool = spool;
	}

	/** Where the coordinator stands, as far as it has said. */
	get acknowledged(): number {
		return this.#acknowledged;
	}

	complete(): void {
		this.#complete = true;
	}

	/** null when there is nothing to send, or nothing may be sent now. */
	async nextChunk(): Promise<Chunk | null> {
		if (!this.#maySend()) return null;
		const offset = this.#sent;
		const left = this.#spool.kept(this.name) - offset;
		const chunk = { attemptId: this.attemptId, stream: wireNames[this.name], offset };
		if (left > 0) {
			const data = await this.#spool.read(
				this.name,
				offset,
				Math.min(left, this.#aligned ? CHUNK_BYTES : FIRST_CHUNK_BYTES),
			);
			const isLast = offset + data.length >= this.#spool.kept(this.name) && this.#spool.dropped(this.name) === 0;
			return { ...chunk, data, end: this.#complete && isLast };
		}
		// What the limit cost is told by an empty chunk at the very end.
		const end = Math.max(offset, this.#spool.kept(this.name) + this.#spool.dropped(this.name));
		return { ...chunk, offset: end, droppedBytes: end - offset, data: Buffer.alloc(0), end: true };
	}

	/** Whether the chunk still follows what was sent: an answer may have moved that while the chunk was read. */
	isNext(chunk: Chunk): boolean {
		return chunk.offset - Number(chunk.droppedBytes ?? 0) === this.#sent && this.#maySend();
	}

	/** Returns what the chunk takes of the window. */
	sent({ offset, data, end }: Chunk): number {
		const cost = data.length + CHUNK_OVERHEAD_BYTES;
		this.#sent = offset + data.length;
		this.#endSent = end;
		this.#inFlight.push({ endOffset: this.#sent, end, cost });
		this.inFlightBytes += cost;
		return cost;
	}

	/** The oldest chunk under way is answered. Returns what that gives back of the window. */
	answered(nextOffset: number): number {
		const chunk = this.#inFlight.shift();
		if (!chunk) return 0;
		this.inFlightBytes -= chunk.cost;
		this.#acknowledged = nextOffset;
		const taken = nextOffset >= chunk.endOffset;
		if (taken && chunk.end) this.shipped = true;
		// Refused: the coordinator stands further back. Everything under way is refused too, then it goes on from there.
		if (!taken) this.#aligned = false;
		if (!this.#aligned && this.#inFlight.length === 0) {
			this.#sent = nextOffset;
			this.#endSent = false;
			this.#aligned = taken;
		} else if (nextOffset > this.#sent) this.#sent = nextOffset;
		return chunk.cost;
	}

	/** The connection is gone, and with it every answer that was due. */
	lost(): void {
		this.#inFlight = [];
		this.inFlightBytes = 0;
		this.#sent = this.#acknowledged;
		this.#endSent = false;
		this.#aligned = false;
	}

	#maySend(): boolean {
		if (this.shipped || this.#endSent || this.inFlightBytes >= STREAM_WINDOW_BYTES) return false;
		if (!this.#aligned && this.#inFlight.length > 0) return false;
		return this.#complete || this.#sent < this.#spool.kept(this.name);
	}
}

export const streamKey = (attemptId: string, wireName: string): string => `${attemptId} ${wireName}`;
