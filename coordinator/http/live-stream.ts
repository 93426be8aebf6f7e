/**
 * Answers that are written while they are read. The producer waits where the client is slow, so that no more than a
 * buffer is held; a client that takes nothing for long is cut by the server's silence limit, and may resume.
 */

import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { FastifyReply } from "fastify";
import { RunmeshError } from "#shared/errors.ts";

/** Below a client's patience, and the server's own. */
export const HEARTBEAT_MS = 15_000;
const BUFFER_BYTES = 256 * 1024;
const LIVE_MAX = 1_000;

/** Of this process. */
let live = 0;

/** Resolves when there is room for more, or nobody is left to read. */
export type Write = (text: string) => Promise<void>;

export interface LiveForm {
	type: string;
	/** Sent at once and when nothing else has been for a while: means nothing to the client. */
	idle: string;
}

/** Answers with what `produce` writes, until it resolves. The signal aborts when the client is gone. */
export const sendLive = (
	reply: FastifyReply,
	{ type, idle }: LiveForm,
	produce: (write: Write, signal: AbortSignal) => Promise<void>,
): FastifyReply => {
	if (live >= LIVE_MAX) {
		throw new RunmeshError("RM_UNAVAILABLE", `${LIVE_MAX} streams are open already`, { hint: "close some, or wait" });
	}
	live++;
	const out = new PassThrough({ highWaterMark: BUFFER_BYTES }).setMaxListeners(0);
	const gone = new AbortController();
	const heartbeat = setInterval(() => {
		if (out.writableLength === 0) out.write(idle);
	}, HEARTBEAT_MS);
	const end = (): void => {
		live--;
		clearInterval(heartbeat);
		gone.abort();
	};
	if (reply.raw.closed) end();
	else reply.raw.once("close", end);

	const write: Write = async (text) => {
		if (text === "" || gone.signal.aborted || out.write(text)) return;
		await once(out, "drain", { signal: gone.signal }).catch(ignoreAbort);
	};
	out.write(idle);
	produce(write, gone.signal).then(
		() => out.end(),
		(error) => out.destroy(error),
	);
	return reply.type(type).header("cache-control", "no-store").header("x-accel-buffering", "no").send(out);
};

const ignoreAbort = (error: Error): void => {
	if (error.name !== "AbortError") throw error;
};
