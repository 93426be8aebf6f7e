/** Reads a stream of the coordinator's to its real end, over cuts and restarts, with growing pauses between tries. */

import { setTimeout as sleep } from "node:timers/promises";
import { errorTable, RunmeshError } from "#shared/errors.ts";

export interface Patience {
	firstDelayMs: number;
	maxDelayMs: number;
	/** From the first failure in a row. */
	giveUpAfterMs: number;
}

const DEFAULT_PATIENCE: Patience = { firstDelayMs: 100, maxDelayMs: 3_000, giveUpAfterMs: 10 * 60_000 };

/** Of a command that asks for something: a coordinator on its way back is waited for, not longer than a person would. */
export const COMMAND_PATIENCE: Patience = { firstDelayMs: 100, maxDelayMs: 2_000, giveUpAfterMs: 15_000 };

export interface ResumeOptions {
	signal?: AbortSignal | undefined;
	/** Told of every try that failed and will be made again. */
	onTrouble?: ((error: RunmeshError) => void) | undefined;
	patience?: Patience | undefined;
}

const isRetryable = (error: unknown): error is RunmeshError =>
	error instanceof RunmeshError && errorTable[error.code].retryable;

/** Ends early, without an error, when the signal aborts. */
export const pause = async (ms: number, signal?: AbortSignal): Promise<void> => {
	await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
};

/** Delays of a series of tries; null when it is time to give up. */
const createBackoff = (patience: Patience) => {
	let tries = 0;
	let unreachableSince: number | null = null;
	return {
		reached: (): void => {
			unreachableSince = null;
		},
		progressed: (): void => {
			tries = 0;
		},
		next: (): number | null => {
			unreachableSince ??= Date.now();
			if (Date.now() - unreachableSince > patience.giveUpAfterMs) return null;
			return Math.min(patience.maxDelayMs, patience.firstDelayMs * 2 ** Math.min(tries++, 16));
		},
	};
};

/** Makes the same call again while its error is one that may pass. */
export const persist = async <T>(call: () => Promise<T>, options: ResumeOptions = {}): Promise<T> => {
	const backoff = createBackoff(options.patience ?? DEFAULT_PATIENCE);
	for (;;) {
		try {
			return await call();
		} catch (error) {
			const delay = isRetryable(error) && !options.signal?.aborted ? backoff.next() : null;
			if (delay === null) throw error;
			options.onTrouble?.(error as RunmeshError);
			await pause(delay, options.signal);
		}
	}
};

/**
 * `open` is asked again after each cut and after each end that is not `over` yet; what resuming means (the last
 * event's id, offsets already printed) is its business. An aborted signal ends it quietly.
 */
export async function* resuming<T>(
	open: () => Promise<AsyncIterable<T>>,
	over: () => Promise<boolean>,
	{ signal, onTrouble, patience = DEFAULT_PATIENCE }: ResumeOptions = {},
): AsyncGenerator<T> {
	const backoff = createBackoff(patience);
	while (!signal?.aborted) {
		let opened = false;
		let delay: number | null;
		try {
			const items = await open();
			opened = true;
			backoff.reached();
			for await (const item of items) {
				backoff.progressed();
				yield item;
			}
			if (await over()) return;
			delay = backoff.next() ?? patience.maxDelayMs;
		} catch (error) {
			if (signal?.aborted) return;
			delay = isRetryable(error) ? backoff.next() : null;
			if (delay === null) throw error;
			// A cut alone is no trouble: quiet connections are cut by many things between here and there.
			if (!opened) onTrouble?.(error as RunmeshError);
		}
		await pause(delay, signal);
	}
}
