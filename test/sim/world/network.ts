/** Messages on their way: each connection keeps its order, different ones overtake each other, some get lost. */

import type { Random } from "#shared/random.ts";
import type { Codec } from "#shared/wire/codec.ts";
import type { Schedule } from "./schedule.ts";

export interface NetworkFaults {
	/** Chance that a message without acknowledgement, or an acknowledgement, is lost. */
	loss: number;
	/** Chance that a work queue delivers a message twice. */
	duplicate: number;
	delayMaxMs: number;
	/** Every message goes through its bytes; else those that carry facts alone (journal, tasks, reports). */
	allBytes: boolean;
}

export interface Network {
	readonly schedule: Schedule;
	readonly random: Random;
	readonly faults: NetworkFaults;
}

/** One process's connection to NATS, one direction of it. */
export class Line {
	readonly #network: Network;
	#lastAtMs = 0;

	constructor(network: Network) {
		this.#network = network;
	}

	carry(arrive: () => void): void {
		const { schedule, random, faults } = this.#network;
		this.#lastAtMs = Math.max(this.#lastAtMs, schedule.nowMs + 1 + random.below(faults.delayMaxMs));
		schedule.after(this.#lastAtMs - schedule.nowMs, arrive);
	}
}

/** What arrives of a message: what its bytes say. */
export const throughBytes = <T>(codec: Codec<T>, message: T): T => codec.decode(codec.encode(message));

/** Of messages that come every second and say little new: their bytes only in some meshes, for they take most of the time. */
export const throughSomeBytes = <T>({ faults }: Network, codec: Codec<T>, message: T): T =>
	faults.allBytes ? throughBytes(codec, message) : message;
