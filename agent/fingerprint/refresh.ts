/**
 * Looks at the host again and again: at what costs nothing each minute, at what asks other programs every ten. Only
 * what differs is told, so that nothing is advertised that others know.
 */

import { isDeepStrictEqual } from "node:util";
import type { Fingerprint } from "#shared/domain.ts";
import { type Finding, look, type Probe } from "./probe.ts";

export interface Refresh {
	/** What somebody else has found out, such as a GPU's fault. */
	learn(finding: Finding): void;
	/** These now, one after the other: an agent that starts has better to do than to be quick at this. */
	lookAt(probes: readonly Probe[]): Promise<void>;
	close(): void;
}

export interface RefreshOptions {
	known(): Fingerprint;
	/** Only when it is another one. */
	onChange(fingerprint: Fingerprint): void;
	eachMinute: readonly Probe[];
	rarely: readonly Probe[];
	random?: () => number;
}

const MINUTE_MS = 60_000;
const RARELY_MS = 600_000;
/** Agents that were started together don't look together. */
const JITTER = 0.2;

export const refreshRegularly = (options: RefreshOptions): Refresh => {
	const { known, onChange, eachMinute, rarely, random = Math.random } = options;
	const timers = new Map<readonly Probe[], NodeJS.Timeout>();
	let closed = false;

	const learn = (finding: Finding): void => {
		if (closed) return;
		const before = known();
		const after = finding(before);
		if (!isDeepStrictEqual(before, after)) onChange(after);
	};

	const lookAt = async (probes: readonly Probe[]): Promise<void> => {
		const findings: Finding[] = [];
		for (const probe of probes) if (!closed) findings.push(await look(probe));
		learn((before) => findings.reduce((found, finding) => finding(found), before));
	};

	const again = (probes: readonly Probe[], everyMs: number): void => {
		const waitMs = everyMs * (1 + JITTER * (random() - 0.5));
		const next = setTimeout(async () => {
			await lookAt(probes);
			if (!closed) again(probes, everyMs);
		}, waitMs);
		next.unref();
		timers.set(probes, next);
	};
	again(eachMinute, MINUTE_MS);
	again(rarely, RARELY_MS);

	return {
		learn,
		lookAt,
		close: () => {
			closed = true;
			for (const timer of timers.values()) clearTimeout(timer);
		},
	};
};
