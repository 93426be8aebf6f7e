/** Reads RM_JOURNAL from a sequence on: what there is now, or whatever comes, through restarts of the server. */

import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager, JsMsg, StreamState } from "nats";
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
	/** Of the message there; "" when none has been read. */
	let batchId = "";

	const take = (message: JsMsg): void => {
		const { seq: sequence, data } = message;
		const batch = batchCodec.decode(data);
		if (sequence === position && batch.batchId === batchId) return;
		if (sequence <= position && batchId !== "") throw replacedError(position);
		if (sequence !== position + 1) throw gapError(position, sequence);
		const storedAtMs = Math.floor(message.info.timestampNanos / NANOS_PER_MS);
		onBatch({ ...batch, sequence, bytes: data.length, storedAtMs, data });
		position = sequence;
		batchId = batch.batchId;
	};

	/** Never tried again: half of it may have been taken. */
	const takeOrRefuse = (message: JsMsg): void => {
		try {
			take(message);
		} catch (error) {
			if (error instanceof RunmeshError && error.code === "RM_JOURNAL_INVALID") throw error;
			throw untakenError(message.seq, error);
		}
	};

	/**
	 * Until the last that is wanted, or until it is over, whatever the consumer waits for by then. From the message that
	 * was read last on: a server that lost power may have lost it, and taken another.
	 */
	const consume = async (last: number, over: AbortSignal): Promise<void> => {
		const from = batchId === "" ? position + 1 : position;
		const consumer = await client.consumers.get(streams.journal, { opt_start_seq: from });
		const messages = await consumer.consume({ max_messages: MESSAGES_AHEAD });
		const stop = (): void => messages.stop();
		if (over.aborted) return stop();
		over.addEventListener("abort", stop);
		let delivered = 0;
		for await (const message of messages) {
			if (over.aborted) return;
			// The client has made the consumer anew, behind the message that was read last: so does the next round.
			if (message.info.deliverySequence !== ++delivered) return stop();
			takeOrRefuse(message);
			if (position >= last) return stop();
		}
	};

	/** Resolves when nothing comes though there is more: a server that started again has forgotten the consumer. */
	const silent = async (over: AbortSignal): Promise<void> => {
		for (let seen = position; ; seen = position) {
			await sleep(LOOK_MS, undefined, { signal: over, ref: false }).catch(() => undefined);
			if (over.aborted) return;
			const info = await manager.streams.info(streams.journal).catch(() => null);
			if (info && position === seen && info.state.last_seq > position) return;
		}
	};

	/** With a new consumer whenever the one before has failed. */
	const readTo = async (last: number, stopped: AbortSignal): Promise<void> => {
		while (!stopped.aborted && position < last) {
			const round = new AbortController();
			const over = AbortSignal.any([stopped, round.signal]);
			const consuming = consume(last, over);
			consuming.catch(() => undefined);
			try {
				await Promise.race([consuming, silent(over)]);
			} catch (error) {
				if (error instanceof RunmeshError) throw error;
			} finally {
				round.abort();
			}
			if (!stopped.aborted && position < last) await sleep(RETRY_PAUSE_MS);
		}
	};

	/** What was read last must still be there. */
	const checkPosition = async ({ first_seq, last_seq }: StreamState): Promise<void> => {
		if (batchId === "" || position < first_seq) return;
		if (position > last_seq) throw replacedError(position);
		const { data } = await manager.streams.getMessage(streams.journal, { seq: position });
		if (batchCodec.decode(data).batchId !== batchId) throw replacedError(position);
	};

	const catchUp = async (): Promise<void> => {
		const { state } = await manager.streams.info(streams.journal);
		await checkPosition(state);
		if (state.last_seq <= position) return;
		if (position + 1 < state.first_seq) throw gapError(position, state.first_seq);
		await readTo(state.last_seq, new AbortController().signal);
	};

	const follow = (stopped: AbortSignal): Promise<void> => readTo(Number.POSITIVE_INFINITY, stopped);

	return { position: () => position, catchUp, follow };
};

const untakenError = (sequence: number, cause: unknown): RunmeshError =>
	new RunmeshError(
		"RM_JOURNAL_INVALID",
		`message ${sequence} of ${streams.journal} can't be taken: ${messageOf(cause)}`,
		{
			hint: "a defect, or a message that no coordinator wrote: keep NATS's data, and tell of it",
			cause,
		},
	);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const replacedError = (position: number): RunmeshError =>
	new RunmeshError(
		"RM_JOURNAL_INVALID",
		`the journal has lost the message ${position}, which this coordinator has read`,
		{
			hint: "start this coordinator again: it reads what the journal says now",
		},
	);

const gapError = (position: number, next: number): RunmeshError =>
	new RunmeshError("RM_JOURNAL_INVALID", `the journal goes on at ${next}, this coordinator stands at ${position}`, {
		hint: "it was trimmed meanwhile: start this coordinator again, it takes up a snapshot",
	});
