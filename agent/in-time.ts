/** Waits for something no longer than it may take: a disk or a driver that hangs must not hang the agent. */

import { setTimeout as delay } from "node:timers/promises";

/** Rejects when it takes longer; what was begun goes on. */
export const inTime = async <T>(work: Promise<T>, limitMs: number): Promise<T> => {
	const giveUp = new AbortController();
	const late = delay(limitMs, undefined, { signal: giveUp.signal }).then(() => {
		throw new Error(`no answer in ${limitMs / 1000} s`);
	});
	try {
		return await Promise.race([work, late]);
	} finally {
		giveUp.abort();
	}
};
