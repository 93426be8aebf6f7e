/** So many at once, the others in the order in which they came. */

export class Turns {
	#free: number;
	readonly #waiting: (() => void)[] = [];

	constructor(atOnce: number) {
		this.#free = atOnce;
	}

	/** Resolves with what ends the turn; `onWait` is called when it is not at once. */
	async take(signal: AbortSignal, onWait: () => void): Promise<() => void> {
		if (this.#free > 0) {
			this.#free--;
		} else {
			onWait();
			await this.#next(signal);
		}
		return () => this.#end();
	}

	#next(signal: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const go = (): void => {
				signal.removeEventListener("abort", leave);
				resolve();
			};
			const leave = (): void => {
				this.#waiting.splice(this.#waiting.indexOf(go), 1);
				reject(signal.reason);
			};
			this.#waiting.push(go);
			signal.addEventListener("abort", leave, { once: true });
		});
	}

	#end(): void {
		const next = this.#waiting.shift();
		if (next) next();
		else this.#free++;
	}
}
