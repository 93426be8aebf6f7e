/** NATS as the mesh may find it: down for a while, killed, without power; requests that may get lost. */

import type { JournalBatch } from "#coordinator/journal/codec.ts";
import type { Random } from "#shared/random.ts";
import { JournalStream } from "./journal.ts";
import { Line, type Network, type NetworkFaults } from "./network.ts";
import { WorkQueues } from "./queues.ts";
import type { Schedule } from "./schedule.ts";

interface Kept {
	value: unknown;
	/** What was there before: a power cut may bring it back. */
	before: unknown;
}

export interface LeaderKey {
	holder: string;
	revision: number;
}

const RETRY_MS = 200;
const LOST_ANSWER_MS = 2_000;

export class NatsServer implements Network {
	readonly schedule: Schedule;
	readonly random: Random;
	readonly faults: NetworkFaults;
	readonly journal = new JournalStream();
	readonly queues: WorkQueues;
	/** rm_leader. */
	leader: LeaderKey = { holder: "", revision: 0 };
	up = true;
	#lives = 0;
	readonly #kept = new Map<string, Kept>();
	readonly #watchers = new Map<string, Set<(value: unknown) => void>>();
	/** Of connected clients, for when it is up again. */
	readonly reconnected = new Set<() => void>();

	constructor(schedule: Schedule, random: Random, faults: NetworkFaults) {
		this.schedule = schedule;
		this.random = random;
		this.faults = faults;
		this.queues = new WorkQueues(this);
	}

	/** Killed: what lived in memory is gone. */
	kill(downMs: number): void {
		this.up = false;
		this.#lives += 1;
		const life = this.#lives;
		this.queues.loseAll();
		this.schedule.after(downMs, () => {
			if (this.#lives === life) this.revive();
		});
	}

	revive(): void {
		if (this.up) return;
		this.up = true;
		for (const tell of this.reconnected) tell();
	}

	/** Returns how many batches of the journal are gone. */
	powerCut(downMs: number): number {
		this.kill(downMs);
		for (const kept of this.#kept.values()) if (this.random.next() < 0.5) kept.value = kept.before;
		return this.journal.powerCut(this.random);
	}

	/** Answers with the sequence, or null when another has written there. Who lives asks for a lost answer again. */
	append(
		writer: { readonly line: Line; readonly alive: boolean },
		batch: JournalBatch,
		expectedLast: number,
		done: (sequence: number | null) => void,
	): void {
		const attempt = (): void => {
			if (!writer.alive) return;
			writer.line.carry(() => {
				if (!this.up) return void this.schedule.after(RETRY_MS, attempt);
				const sequence = this.journal.append(batch, expectedLast);
				if (this.random.next() < this.faults.loss) return void this.schedule.after(LOST_ANSWER_MS, attempt);
				this.schedule.after(1 + this.random.below(this.faults.delayMaxMs), () => done(sequence));
			});
		};
		attempt();
	}

	publish(
		line: Line,
		subject: string,
		messageId: string,
		message: unknown,
		answered: (stored: boolean) => void = () => {},
	): void {
		line.carry(() => {
			if (this.up) this.queues.put(subject, messageId, message);
			answered(this.up && this.random.next() >= this.faults.loss);
		});
	}

	/** Core NATS: at most once. */
	send(line: Line, arrive: () => void): void {
		if (!this.up || this.random.next() < this.faults.loss) return;
		line.carry(() => {
			if (this.up) arrive();
		});
	}

	/** Tried until it is stored. */
	put(line: Line, key: string, value: unknown): void {
		line.carry(() => {
			if (!this.up) return void this.schedule.after(1_000, () => this.put(line, key, value));
			this.#kept.set(key, { value, before: this.#kept.get(key)?.value });
			for (const watcher of this.#watchers.get(key) ?? []) watcher(value);
		});
	}

	/** Watchers are told null. */
	remove(line: Line, key: string): void {
		line.carry(() => {
			if (!this.up) return void this.schedule.after(1_000, () => this.remove(line, key));
			this.#kept.delete(key);
			for (const watcher of this.#watchers.get(key) ?? []) watcher(null);
		});
	}

	/** Returns what ends it. What is there is told at once. */
	watch(key: string, onChange: (value: unknown) => void): () => void {
		const watchers = this.#watchers.get(key) ?? new Set();
		this.#watchers.set(key, watchers.add(onChange));
		const known = this.#kept.get(key)?.value;
		if (known !== undefined) onChange(known);
		return () => watchers.delete(onChange);
	}

	line(): Line {
		return new Line(this);
	}
}
