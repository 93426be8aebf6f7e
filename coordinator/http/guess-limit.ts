/** How often one address may come with a secret that is wrong. */

import { RunmeshError } from "#shared/errors.ts";

const WINDOW_MS = 60_000;
const FAILURES_MAX = 10;
/** Addresses remembered at once; the one that came first makes room. */
const ADDRESSES_MAX = 10_000;

export interface GuessLimit {
	/** Throws while the address has failed too often. */
	check(address: string): void;
	failed(address: string): void;
}

export const createGuessLimit = (nowMs: () => number = () => performance.now()): GuessLimit => {
	const failures = new Map<string, { sinceMs: number; count: number }>();
	const current = (address: string) => {
		const known = failures.get(address);
		if (known && nowMs() - known.sinceMs < WINDOW_MS) return known;
		failures.delete(address);
		return null;
	};
	return {
		check: (address) => {
			const known = current(address);
			if (!known || known.count < FAILURES_MAX) return;
			throw new RunmeshError("RM_UNAVAILABLE", `${known.count} wrong tokens came from ${address} within a minute`, {
				hint: "check the token, and try again in a minute",
			});
		},
		failed: (address) => {
			const known = current(address);
			if (known) {
				known.count += 1;
				return;
			}
			const [first] = failures.size >= ADDRESSES_MAX ? failures.keys() : [];
			if (first !== undefined) failures.delete(first);
			failures.set(address, { sinceMs: nowMs(), count: 1 });
		},
	};
};
