/**
 * What of the journal must be known when its beginning is trimmed: where live runs began, and the events that models
 * and deployments come from, for a read store that is made anew.
 */

import type { RunId } from "#shared/ids.ts";
import type { JournalEvent } from "../core/events.ts";

export interface Standing {
	/** Live runs, by the sequence of the message that brought them. */
	runs: Map<RunId, number>;
	/** By what they tell of: a later one takes the place of an earlier. */
	events: Map<string, JournalEvent>;
}

export const newStanding = (): Standing => ({ runs: new Map(), events: new Map() });

export const note = ({ runs, events }: Standing, sequence: number, event: JournalEvent): void => {
	switch (event.kind) {
		case "runSubmitted":
			runs.set(event.runId, sequence);
			return;
		case "runFinished":
			runs.delete(event.runId);
			return;
		case "modelVersionRegistered":
			events.set(`model ${event.model} ${event.version}`, event);
			return;
		case "deploymentChanged":
			events.set(`deployment ${event.deployment}`, event);
			return;
		case "replicaReported":
			events.set(`replica ${event.deployment} ${event.agentId}`, event);
			return;
		default:
	}
};

/** The first message that a live run needs; null when there is none. */
export const firstLive = ({ runs }: Standing): number | null => {
	let first: number | null = null;
	for (const sequence of runs.values()) first = first === null ? sequence : Math.min(first, sequence);
	return first;
};
