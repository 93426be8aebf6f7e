/** What the pipeline file may one day say and this release does not carry out: refused by name, never ignored. */

import type { KeyedMap } from "./keys.ts";

interface UnsupportedKey {
	where: readonly KeyedMap[];
	/** What to do today. */
	instead: string;
	/** The value that asks for nothing, and is let through. */
	off?: false;
}

const step = ["step", "defaults"] as const;
const everywhere = ["pipeline", "step", "defaults"] as const;

export const unsupportedKeys: Readonly<Record<string, UnsupportedKey>> = {
	affinity: { where: step, instead: "use `labels`: each must equal the agent's" },
	secrets: { where: everywhere, instead: "keep the secret in a file on the agents" },
	schedule: { where: ["pipeline"], instead: "call `runmesh run` from cron" },
	on: { where: ["pipeline"], instead: "call `runmesh run` when it happens" },
	checkpoint: { where: step, instead: "a retried step starts from its beginning", off: false },
	preemptible: { where: everywhere, instead: "set `priority`" },
	keep: { where: everywhere, instead: "every output is kept: nothing removes one by itself" },
	priority: { where: ["pipeline"], instead: "put it under `defaults`, for each step" },
};

export const refusal = (what: string): string => `${what} is understood but not carried out by this release`;

export const unsupportedIn = (map: KeyedMap): string[] =>
	Object.entries(unsupportedKeys).flatMap(([key, { where }]) => (where.includes(map) ? [key] : []));
