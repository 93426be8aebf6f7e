/** One environment being made, for all who want it; when nobody waits for it any more, it is given up. */

import type { Hear, Voice } from "./voice.ts";

export class SharedBuild {
	/** Rejects with why it failed. */
	readonly made: Promise<void>;
	/** Whatever came of it, nothing of it runs any more. */
	readonly over: Promise<void>;
	readonly #unwanted = new AbortController();
	readonly #voice: Voice;
	#waiting = 0;

	constructor(voice: Voice, make: (signal: AbortSignal, hear: Hear) => Promise<void>) {
		this.#voice = voice;
		this.made = make(this.#unwanted.signal, (said) => voice.say(said));
		this.over = this.made.catch(() => undefined);
	}

	/** Nobody waits for it: it ends without a result. */
	get isGivenUp(): boolean {
		return this.#unwanted.signal.aborted;
	}

	async wait(signal: AbortSignal, hear: Hear): Promise<void> {
		const hush = this.#voice.listen(hear);
		const gone = Promise.withResolvers<never>();
		const onAbort = (): void => gone.reject(signal.reason);
		signal.addEventListener("abort", onAbort);
		this.#waiting++;
		try {
			signal.throwIfAborted();
			await Promise.race([this.made, gone.promise]);
		} finally {
			signal.removeEventListener("abort", onAbort);
			hush();
			if (--this.#waiting === 0) this.#unwanted.abort();
		}
	}
}
