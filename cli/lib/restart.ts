/** A mesh of this machine starts its coordinator again within seconds: what nobody heard is asked once more. */

import { RunmeshError } from "#shared/errors.ts";
import { pause } from "./resume.ts";

const START_WITHIN_MS = 15_000;
const PAUSE_MS = 100;

/** `isStarting`: somebody is there who starts it. */
export const overRestart = async <T>(
	ask: () => Promise<T>,
	isStarting: () => boolean,
	signal?: AbortSignal,
): Promise<T> => {
	const until = Date.now() + START_WITHIN_MS;
	for (;;) {
		try {
			return await ask();
		} catch (error) {
			if (!wasRefused(error) || signal?.aborted || Date.now() > until || !isStarting()) throw error;
			await pause(PAUSE_MS, signal);
		}
	}
};

/** Nothing was sent, so that even a request that must not be made twice may be made again. */
const wasRefused = (error: unknown): boolean =>
	error instanceof RunmeshError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ECONNREFUSED";
