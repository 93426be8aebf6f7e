/**
 * NATS as the mesh may find it: a journal fenced by sequence and kept on disk; work queues in memory that redeliver
 * what is not acknowledged and forget everything with the server; requests that may get lost.
 */

import type { Random } from "#shared/random.ts";
import type { Schedule } from "./schedule.ts";

export interface NetworkFaults {
	/** Chance that a message without acknowledgement is lost. */
	loss: number;
	/** Chance that a work queue delivers a message twice. */
	duplicate: number;
	delayMaxMs: number;
}

interface Queued {
	subject: string;
	data: Uint8Array;
	deliveredAtMs: number;
}

export type Consumer = (data: Uint8Array, acknowledge: () => void) => void;

const ACK_WAIT_MS = 30_000;
const DUPLICATE_WINDOW_MS = 10_000;
const POLL_MS = 200;

export class JetStream {
	readonly schedule: Schedule;
	readonly random: Random;
	readonly faults: NetworkFaults;
	up = true;
	/** The key in rm_leader. */
	leader = "";
	readonly journal: Uint8Array[] = [];
	readonly #journalIds: string[] = [];
	#queue = new Set<Queued>();
	/** When each id was last taken: a double is one only within the window. */
	#messageIds = new Map<string, number>();
	/** Several leaders may believe that a queue is theirs: they share it. */
	readonly #consumers = new Map<string, Consumer[]>();
	readonly #kv = new Map<string, Uint8Array>();
	readonly #watchers = new Map<string, ((data: Uint8Array) => void)[]>();

	constructor(schedule: Schedule, random: Random, faults: NetworkFaults) {
		this.schedule = schedule;
		this.random = random;
		this.faults = faults;

		this.#poll();
	}

	/** A server that was killed: what lived in memory is gone. */
	restart(downMs: number): void {
		this.up = false;
		this.#queue = new Set();
		this.#messageIds = new Map();
		this.schedule.after(downMs, () => {
			this.up = true;
		});
	}

	/** Resolves to the sequence, or null when another has written there. `lostAck` writes it but never answers. */
	append(batchId: string, data: Uint8Array, expectedLast: number, done: (sequence: number | null) => void): void {
		const attempt = (): void => {
			if (!this.up) return void this.schedule.after(200, attempt);
			const known = this.#journalIds.indexOf(batchId);
			if (known >= 0) return void this.#later(() => done(known + 1));
			if (this.journal.length !== expectedLast) return void this.#later(() => done(null));
			this.journal.push(data);
			this.#journalIds.push(batchId);
			const sequence = this.journal.length;
			// A lost acknowledgement is asked for again and recognised by its id.
			if (this.random.next() < this.faults.loss) this.schedule.after(5_000, attempt);
			else this.#later(() => done(sequence));
		};
		this.#later(attempt);
	}

	publish(subject: string, messageId: string, data: Uint8Array, acknowledged: () => void, failed: () => void): void {
		this.#later(() => {
			if (!this.up) return failed();
			if (this.schedule.nowMs - (this.#messageIds.get(messageId) ?? -Infinity) > DUPLICATE_WINDOW_MS) {
				this.#messageIds.set(messageId, this.schedule.nowMs);
				this.#queue.add({ subject, data, deliveredAtMs: -Infinity });
			}
			if (this.random.next() < this.faults.loss) failed();
			else acknowledged();
		});
	}

	consume(subject: string, consumer: Consumer): { stop(): void } {
		const of = (): Consumer[] => this.#consumers.get(subject) ?? [];
		this.#consumers.set(subject, [...of(), consumer]);
		return {
			stop: () => {
				this.#consumers.set(
					subject,
					of().filter((other) => other !== consumer),
				);
			},
		};
	}

	/** Core NATS: at most once. */
	send(run: () => void): void {
		if (!this.up || this.random.next() < this.faults.loss) return;
		this.#later(() => {
			if (this.up) run();
		});
	}

	/** Puts may overtake each other, as those of an old leader and a new one do. */
	put(key: string, data: Uint8Array): void {
		this.#later(() => {
			if (!this.up) return void this.schedule.after(1_000, () => this.put(key, data));
			this.#kv.set(key, data);
			for (const watcher of this.#watchers.get(key) ?? []) watcher(data);
		});
	}

	get(key: string): Uint8Array | undefined {
		return this.#kv.get(key);
	}

	watch(key: string, onChange: (data: Uint8Array) => void): void {
		this.#watchers.set(key, [...(this.#watchers.get(key) ?? []), onChange]);
		const known = this.#kv.get(key);
		if (known) onChange(known);
	}

	#later(run: () => void): void {
		this.schedule.after(this.random.below(this.faults.delayMaxMs) + 1, run);
	}

	#poll(): void {
		if (this.up) {
			for (const message of this.#queue) {
				const consumers = this.#consumers.get(message.subject) ?? [];
				const consumer = consumers[this.random.below(consumers.length)];
				if (!consumer || this.schedule.nowMs - message.deliveredAtMs < ACK_WAIT_MS) continue;
				message.deliveredAtMs = this.schedule.nowMs;
				const deliver = (): void => {
					if (this.#consumers.get(message.subject)?.includes(consumer))
						consumer(message.data, () => this.#queue.delete(message));
				};
				this.#later(deliver);
				if (this.random.next() < this.faults.duplicate) this.#later(deliver);
			}
		}
		this.schedule.after(POLL_MS, () => this.#poll());
	}
}
