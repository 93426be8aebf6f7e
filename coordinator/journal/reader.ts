/** Reads RM_JOURNAL from a sequence on: what there is now, or whatever comes, through restarts of the server. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg, StreamInfo } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import { streams } from "#shared/subjects.ts";
import { batchCodec, type JournalBatch } from "./codec.ts";
import type { CommittedBatch } from "./journal.ts";

export interface ReadBatch extends JournalBatch, CommittedBatch {
	/** When JetStream took it. */
	storedAtMs: number;
	data: Uint8Array;
}

export interface JournalReader {
	/** Of the last batch handed over. */
	position(): number;
	/** Everything behind the position, as of now. */
	catchUp(): Promise<void>;
	/** Hands over what comes until it is stopped; resolves then, rejects with what can't be read. */
	follow(stopped: AbortSignal): Promise<void>;
}

const RETRY_PAUSE_MS = 500;
const MESSAGES_AHEAD = 2_000;
const LOOK_MS = 2_000;
const NANOS_PER_MS = 1_000_000;

/** `from` is the first sequence that is wanted. */
export const readJournal = (
	manager: JetStreamManager,
	client: JetStreamClient,
	from: number,
	onBatch: (batch: ReadBatch) => void,
): JournalReader => {
	let position = from - 1;

	const take = (message: JsMsg): void => {
		if (message.seq !== position + 1) throw gapError(position, message.seq);
		const storedAtMs = Math.floor(message.info.timestampNanos / NANOS_PER_MS);
		const { seq: sequence, data } = message;
		onBatch({ ...batchCodec.decode(data), sequence, bytes: data.length, storedAtMs, data });
		position = message.seq;
	};

	const open = async (): Promise<ConsumerMessages> => {
		const consumer = await client.consumers.get(streams.journal, { opt_start_seq: position + 1 });
		return consumer.consume({ max_messages: MESSAGES_AHEAD });
	};

	const catchUp = async (): Promise<void> => {
		const { state } = await manager.streams.info(streams.journal);
		if (state.last_seq <= position) return;
		if (position + 1 < state.first_seq) throw gapError(position, state.first_seq);
		const messages = await open();
		for await (const message of messages) {
			take(message);
			if (position >= state.last_seq) break;
		}
		await messages.close();
		if (position < state.last_seq) {
			throw new RunmeshError("RM_UNAVAILABLE", `the journal could be read to ${position} of ${state.last_seq} only`);
		}
	};

	/** A server that started again has forgotten the consumer: one that hears nothing though there is more is renewed. */
	const untilSilent = async (messages: ConsumerMessages, stopped: AbortSignal): Promise<void> => {
		for (let seen = position; ; seen = position) {
			await sleep(LOOK_MS, undefined, { signal: stopped, ref: false }).catch(() => undefined);
			if (stopped.aborted) break;
			const info: StreamInfo | null = await manager.streams.info(streams.journal).catch(() => null);
			if (info && position === seen && info.state.last_seq > position) break;
		}
		messages.stop();
	};

	const follow = async (stopped: AbortSignal): Promise<void> => {
		while (!stopped.aborted) {
			try {
				const messages = await open();
				const stop = (): void => messages.stop();
				stopped.addEventListener("abort", stop);
				void untilSilent(messages, stopped);
				for await (const message of messages) take(message);
				stopped.removeEventListener("abort", stop);
			} catch (error) {
				if (error instanceof RunmeshError) throw error;
			}
			if (!stopped.aborted) await sleep(RETRY_PAUSE_MS);
		}
	};

	return { position: () => position, catchUp, follow };
};

const gapError = (position: number, next: number): RunmeshError =>
	new RunmeshError("RM_JOURNAL_INVALID", `the journal goes on at ${next}, this coordinator stands at ${position}`, {
		hint: "it was trimmed meanwhile: start this coordinator again, it takes up a snapshot",
	});
