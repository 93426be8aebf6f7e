/** What happened last, for the one who looks into a failure. Nothing is written down unless asked for. */

import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Schedule } from "./schedule.ts";

const LINES = 400;
const LONG = 300;

export class Story {
	readonly #schedule: Schedule;
	readonly #isTold: boolean;
	readonly #lines: string[] = [];

	constructor(schedule: Schedule, isTold: boolean) {
		this.#schedule = schedule;
		this.#isTold = isTold;
	}

	note(what: () => string): void {
		if (!this.#isTold) return;
		const atMs = this.#schedule.nowMs - this.#schedule.startedAtMs;
		this.#lines.push(`${(atMs / 1000).toFixed(3).padStart(9)}  ${what()}`);
		if (this.#lines.length > LINES) this.#lines.shift();
	}

	lines(): readonly string[] {
		return this.#lines;
	}
}

export const tellEvent = ({ kind, atMs: _, ...fields }: JournalEvent): string => {
	const { runId, stepKey, ...rest } = fields as Record<string, unknown>;
	const what = kind === "runSubmitted" ? { ...rest, definitionJson: "…" } : rest;
	const told = JSON.stringify(what);
	return `${kind} ${[runId, stepKey].filter(Boolean).join("/")} ${told.length > LONG ? `${told.slice(0, LONG)}…` : told}`;
};
