/** What a coordinator's machine keeps when the process dies: its copy of the journal's tail, a snapshot, its clock. */

import { batchCodec } from "#coordinator/journal/codec.ts";
import { isSame } from "#coordinator/journal/recovery.ts";
import type { Random } from "#shared/random.ts";
import type { JournalStream, StoredBatch } from "./journal.ts";
import type { Schedule } from "./schedule.ts";

export interface Snapshot {
	sequence: number;
	/** As it lies on the disk. */
	parts: string[];
}

export class Home {
	readonly id: string;
	/** Its machine runs NATS too: one power cut takes both. */
	readonly hasNats: boolean;
	/** Of its clock, against the world's. Chance moves it while the process is down. */
	clockOffsetMs = 0;
	snapshots: Snapshot[] = [];
	readonly tail: SimTail;

	constructor(id: string, hasNats: boolean, schedule: Schedule, random: Random) {
		this.id = id;
		this.hasNats = hasNats;
		this.tail = new SimTail(schedule, random);
	}
}

/** coordinator/journal/tail.ts without its files: what was appended is there once it is synced. */
export class SimTail {
	readonly #schedule: Schedule;
	readonly #random: Random;
	/** Some disks are slow. */
	readonly #fsyncMaxMs: number;
	#records: StoredBatch[] = [];
	#acknowledged = 0;
	#lastAtMs = 0;
	#writing = new Set<{ arrives: boolean }>();

	constructor(schedule: Schedule, random: Random) {
		this.#fsyncMaxMs = random.next() < 0.8 ? 15 : 400;
		this.#schedule = schedule;
		this.#random = random;
	}

	last(): number {
		return this.#records.at(-1)?.sequence ?? 0;
	}

	acknowledged(): number {
		return this.#acknowledged;
	}

	append(record: StoredBatch, acknowledged: number, done: () => void): void {
		const write = { arrives: true };
		this.#writing.add(write);
		// One behind the other.
		this.#lastAtMs = Math.max(this.#lastAtMs, this.#schedule.nowMs + this.#random.below(this.#fsyncMaxMs));
		this.#schedule.after(this.#lastAtMs - this.#schedule.nowMs, () => {
			this.#writing.delete(write);
			if (!write.arrives) return;
			this.#put(record);
			this.#acknowledged = Math.min(acknowledged, record.sequence);
			done();
		});
	}

	/** Known to JetStream; the mark on the disk may be older. */
	acknowledge(sequence: number): void {
		if (this.#random.next() < 0.5) this.#acknowledged = Math.max(this.#acknowledged, sequence);
	}

	/** The process died: of what was being written the first came to the disk, or all, or nothing. */
	interrupt(): void {
		let left = this.#random.below(this.#writing.size + 1);
		for (const write of this.#writing) write.arrives = left-- > 0;
	}

	/** From the sequence on; [] when it is not held. */
	read(from: number): StoredBatch[] {
		const wanted = this.#records.filter(({ sequence }) => sequence >= from);
		return wanted[0]?.sequence === from ? wanted : [];
	}

	/** coordinator/journal/recovery.ts: what JetStream has lost; throws where the two contradict each other. */
	compare(journal: JournalStream): Map<number, StoredBatch> {
		const common = Math.min(journal.last, this.last());
		const shared =
			common < journal.first
				? []
				: this.#shared(Math.max(journal.first, Math.min(common, this.#acknowledged), 1), common);
		for (const mine of shared) {
			const theirs = journal.at(mine.sequence);
			if (theirs && !this.isSame(mine, theirs)) this.cut(mine.sequence - 1);
		}
		const missing = this.last() <= journal.last ? [] : this.read(journal.last + 1);
		return new Map(missing.map((record) => [record.sequence, record]));
	}

	isSame(mine: StoredBatch, theirs: StoredBatch): boolean {
		if (mine.batchId === theirs.batchId) return true;
		const { sequence, batchId, leaderEpoch: epoch } = mine;
		return isSame({ sequence, batchId, epoch, data: batchCodec.encode(mine) }, theirs, this, "home");
	}

	cut(last: number): void {
		this.#records = this.#records.filter(({ sequence }) => sequence <= last);
	}

	#shared(from: number, common: number): StoredBatch[] {
		const mine = this.read(from);
		return (mine.length > 0 ? mine : this.read(common)).filter(({ sequence }) => sequence <= common).reverse();
	}

	/** A record that takes the sequence of an older one replaces it and all that followed; behind a gap it begins anew. */
	#put(record: StoredBatch): void {
		this.#records = this.#records.filter(({ sequence }) => sequence < record.sequence);
		if (this.last() !== 0 && this.last() !== record.sequence - 1) this.#records = [];
		this.#records.push(record);
	}
}
