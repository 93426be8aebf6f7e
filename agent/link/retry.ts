/** Tries until it works: what an agent waits for may come much later, such as streams that the coordinator makes. */

import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;
/** Said once when it takes longer than a start-up does. */
const QUIET_MS = 10_000;

/** Rejects when the signal aborts, and then alone. */
export const untilItWorks = async <T>(
	what: string,
	attempt: () => Promise<T>,
	{ signal, log }: { signal: AbortSignal; log: Logger },
): Promise<T> => {
	let waitedMs = 0;
	for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
		signal.throwIfAborted();
		try {
			const result = await attempt();
			if (waitedMs > QUIET_MS) log.info(`${what}: works again`);
			return result;
		} catch (error) {
			signal.throwIfAborted();
			if (waitedMs <= QUIET_MS && waitedMs + pauseMs > QUIET_MS) log.warn({ err: error }, `${what}: still trying`);
			await delay(pauseMs, undefined, { signal });
			waitedMs += pauseMs;
		}
	}
};
