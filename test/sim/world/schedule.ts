/** Virtual time: things that happen later, in order; equal times in the order they were asked for. */

export interface Timer {
	cancelled: boolean;
}

interface Entry extends Timer {
	atMs: number;
	order: number;
	run(): void;
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

export class Schedule {
	nowMs = 1_700_000_000_000;
	/** The world's clock, whatever anybody's own says. */
	readonly startedAtMs = this.nowMs;
	readonly #heap: Entry[] = [];
	#order = 0;

	after(delayMs: number, run: () => void): Timer {
		const entry: Entry = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run, cancelled: false };
		this.#rise(entry);
		return entry;
	}

	/** false when nothing is left to happen. */
	step(): boolean {
		for (;;) {
			const entry = this.#takeFirst();
			if (!entry) return false;
			if (entry.cancelled) continue;
			this.nowMs = entry.atMs;
			entry.run();
			return true;
		}
	}

	#rise(entry: Entry): void {
		const heap = this.#heap;
		let at = heap.length;
		while (at > 0) {
			const parentAt = (at - 1) >> 1;
			const parent = heap[parentAt] as Entry;
			if (!isBefore(entry, parent)) break;
			heap[at] = parent;
			at = parentAt;
		}
		heap[at] = entry;
	}

	#takeFirst(): Entry | undefined {
		const heap = this.#heap;
		const [first] = heap;
		const last = heap.pop();
		if (last && heap.length > 0) this.#sink(last);
		return first;
	}

	#sink(entry: Entry): void {
		const heap = this.#heap;
		let at = 0;
		for (let child = 1; child < heap.length; child = 2 * at + 1) {
			const right = heap[child + 1];
			let least = heap[child] as Entry;
			let leastAt = child;
			if (right && isBefore(right, least)) {
				least = right;
				leastAt = child + 1;
			}
			if (!isBefore(least, entry)) break;
			heap[at] = least;
			at = leastAt;
		}
		heap[at] = entry;
	}
}
