/**
 * RM_JOURNAL: fenced by sequence, acknowledged before it is synced. A server that is killed keeps it; a power cut takes
 * what was not synced.
 */

import type { JournalBatch } from "#coordinator/journal/codec.ts";
import type { Random } from "#shared/random.ts";

export interface StoredBatch extends JournalBatch {
	sequence: number;
}

export type Reader = (batch: StoredBatch) => void;

export class JournalStream {
	/** The first that is still kept. */
	first = 1;
	#batches: StoredBatch[] = [];
	#synced = 0;
	readonly #readers = new Set<Reader>();

	get last(): number {
		return this.#batches.length;
	}

	get all(): readonly StoredBatch[] {
		return this.#batches;
	}

	/** null when another has written there; the same batch again is no second one. */
	append(batch: JournalBatch, expectedLast: number): number | null {
		const sequence = expectedLast + 1;
		if (this.at(sequence)?.batchId === batch.batchId) return sequence;
		if (this.last !== expectedLast) return null;
		const stored = { ...batch, sequence };
		this.#batches.push(stored);
		for (const reader of this.#readers) reader(stored);
		return sequence;
	}

	at(sequence: number): StoredBatch | null {
		return this.#batches[sequence - 1] ?? null;
	}

	/** Behind the sequence, as far as it is kept. */
	from(sequence: number): readonly StoredBatch[] {
		if (sequence < this.first) throw new Error(`the journal begins at ${this.first}, ${sequence} was asked for`);
		return this.#batches.slice(sequence - 1);
	}

	follow(reader: Reader): () => void {
		this.#readers.add(reader);
		return () => this.#readers.delete(reader);
	}

	sync(): void {
		this.#synced = this.last;
	}

	/** What a snapshot has is not kept: here it only can't be read any more. */
	trim(upTo: number): void {
		this.first = Math.max(this.first, Math.min(upTo, this.#synced) + 1);
	}

	/** Of what was not synced, chance may have brought some to the disk. Returns how much is gone. */
	powerCut(random: Random): number {
		const lost = random.below(this.last - this.#synced + 1);
		this.#batches.length -= lost;
		this.sync();
		return lost;
	}
}
