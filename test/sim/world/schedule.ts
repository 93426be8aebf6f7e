/** Virtual time: things that happen later, in order; equal times in the order they were asked for. */

export interface Timer {
	cancelled: boolean;
}

interface Entry extends Timer {
	atMs: number;
	order: number;
	run(): void;
}

export class Schedule {
	nowMs = 1_700_000_000_000;
	readonly #heap: Entry[] = [];
	#order = 0;

	after(delayMs: number, run: () => void): Timer {
		const entry: Entry = { atMs: this.nowMs + Math.max(0, delayMs), order: this.#order++, run, cancelled: false };
		this.#heap.push(entry);
		this.#up(this.#heap.length - 1);
		return entry;
	}

	/** false when nothing is left to happen. */
	step(): boolean {
		for (;;) {
			const entry = this.#pop();
			if (!entry) return false;
			if (entry.cancelled) continue;
			this.nowMs = Math.max(this.nowMs, entry.atMs);
			entry.run();
			return true;
		}
	}

	#before(a: number, b: number): boolean {
		const [x, y] = [this.#heap[a] as Entry, this.#heap[b] as Entry];
		return x.atMs < y.atMs || (x.atMs === y.atMs && x.order < y.order);
	}

	#swap(a: number, b: number): void {
		[this.#heap[a], this.#heap[b]] = [this.#heap[b] as Entry, this.#heap[a] as Entry];
	}

	#up(index: number): void {
		for (let at = index; at > 0; ) {
			const parent = (at - 1) >> 1;
			if (!this.#before(at, parent)) return;
			this.#swap(at, parent);
			at = parent;
		}
	}

	#pop(): Entry | undefined {
		const [first] = this.#heap;
		const last = this.#heap.pop();
		if (this.#heap.length === 0 || !last) return first;
		this.#heap[0] = last;
		for (let at = 0; ; ) {
			let least = at;
			for (const child of [2 * at + 1, 2 * at + 2]) {
				if (child < this.#heap.length && this.#before(child, least)) least = child;
			}
			if (least === at) return first;
			this.#swap(at, least);
			at = least;
		}
	}
}
