/** Work queues in memory: redelivered until acknowledged, doubled at times, gone with the server. */

import { Line, type Network } from "./network.ts";

interface Queued {
	subject: string;
	message: unknown;
	deliveredAtMs: number;
}

export interface Consumer {
	take(message: unknown, acknowledge: () => void): void;
	line: Line;
}

const ACK_WAIT_MS = 30_000;
const DUPLICATE_WINDOW_MS = 10_000;

export class WorkQueues {
	readonly #network: Network;
	#queued = new Map<string, Set<Queued>>();
	/** When each id was last taken: a double is one only within the window. */
	#takenAtMs = new Map<string, number>();
	/** Several leaders may believe that a queue is theirs: they share it. */
	readonly #consumers = new Map<string, Consumer[]>();

	constructor(network: Network) {
		this.#network = network;
	}

	put(subject: string, messageId: string, message: unknown): void {
		const { nowMs } = this.#network.schedule;
		if (nowMs - (this.#takenAtMs.get(messageId) ?? Number.NEGATIVE_INFINITY) <= DUPLICATE_WINDOW_MS) return;
		this.#takenAtMs.set(messageId, nowMs);
		const queued = { subject, message, deliveredAtMs: Number.NEGATIVE_INFINITY };
		this.#of(subject).add(queued);
		this.#deliver(queued);
	}

	/** Returns what ends it. */
	consume(subject: string, take: Consumer["take"]): () => void {
		const consumer = { take, line: new Line(this.#network) };
		this.#consumers.set(subject, [...(this.#consumers.get(subject) ?? []), consumer]);
		for (const queued of this.#of(subject)) this.#deliver(queued);
		return () => {
			const others = (this.#consumers.get(subject) ?? []).filter((other) => other !== consumer);
			this.#consumers.set(subject, others);
		};
	}

	loseAll(): void {
		this.#queued = new Map();
		this.#takenAtMs = new Map();
	}

	#of(subject: string): Set<Queued> {
		let queued = this.#queued.get(subject);
		if (!queued) {
			queued = new Set();
			this.#queued.set(subject, queued);
		}
		return queued;
	}

	#deliver(queued: Queued): void {
		const { schedule, random, faults } = this.#network;
		const consumers = this.#consumers.get(queued.subject) ?? [];
		const consumer = consumers[random.below(consumers.length)];
		if (!consumer || schedule.nowMs - queued.deliveredAtMs < ACK_WAIT_MS) return;
		const all = this.#of(queued.subject);
		queued.deliveredAtMs = schedule.nowMs;
		const arrive = (): void => {
			if (this.#consumers.get(queued.subject)?.includes(consumer)) {
				consumer.take(queued.message, () => all.delete(queued));
			}
		};
		consumer.line.carry(arrive);
		if (random.next() < faults.duplicate) schedule.after(random.below(10 * faults.delayMaxMs), arrive);
		schedule.after(ACK_WAIT_MS, () => {
			if (this.#queued.get(queued.subject) === all && all.has(queued)) this.#deliver(queued);
		});
	}
}
