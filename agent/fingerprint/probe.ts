/** One look at one thing of this host. It costs no more than its time, and takes nothing but its own part with it. */

import type { Fingerprint } from "#shared/domain.ts";
import { inTime } from "../in-time.ts";
import { PROBE_TIMEOUT_MS } from "./tool.ts";

export interface Probe {
	/** What `problems` calls it when it fails, and `runtimes` what it finds. */
	readonly name: string;
	readonly timeoutMs?: number;
	/** Rejects with why it can't tell. Of runtimes and problems it names none but its own: not named again, that is gone. */
	find(): Promise<Partial<Fingerprint>>;
}

/** What a look changes in what is known of the host by then, which others may have changed meanwhile. */
export type Finding = (known: Fingerprint) => Fingerprint;

/** A tool is given up before, and says itself what hung. */
const MARGIN_MS = 500;

/** Those whose last look has not come to its end. */
const hanging = new Set<Probe>();

export const look = async (probe: Probe): Promise<Finding> => {
	const { name, timeoutMs = PROBE_TIMEOUT_MS } = probe;
	if (hanging.has(probe)) return failed(probe, "hangs since it was asked before");
	hanging.add(probe);
	try {
		const looking = probe.find().finally(() => hanging.delete(probe));
		const found = await inTime(looking, timeoutMs + MARGIN_MS);
		return (known) => ({
			...known,
			...found,
			runtimes: { ...without(known.runtimes, name), ...found.runtimes },
			problems: { ...without(known.problems, name), ...found.problems },
		});
	} catch (error) {
		return failed(probe, error instanceof Error ? error.message : String(error));
	}
};

/** What was known stays. */
const failed =
	({ name }: Probe, why: string): Finding =>
	(known) => ({ ...known, problems: { ...known.problems, [name]: why } });

const without = (from: Record<string, string>, name: string): Record<string, string> =>
	Object.fromEntries(Object.entries(from).filter(([other]) => other !== name));
