/** Results that later steps may take: by key, the newest first, and the newest of each step for comparing. Bounded. */

import type { ArtifactRef, CodeUse, Metric } from "#shared/domain.ts";
import type { Digest, RunId, StepKey } from "#shared/ids.ts";
import type { CacheRecorded } from "./events.ts";
import type { Step } from "./state.ts";

export interface CacheEntry {
	key: string;
	partsJson: string;
	codeDigest: Digest | "";
	/** null: all of the code counts. */
	codeUse: CodeUse | null;
	paramsDigest: string;
	/** Pipeline and step, for comparing. */
	subject: string;
	runId: RunId;
	stepKey: StepKey;
	atMs: number;
	outputs: ArtifactRef[];
	metrics: Metric[];
}

const ENTRIES_MAX = 20_000;
/** One for each set of parameters and each code tree that was tried lately. */
const ENTRIES_PER_KEY = 16;

export const subjectOf = ({ run, key }: Step): string => `${run.definition.name}/${key}`;

export class ResultCache {
	readonly #byKey = new Map<string, CacheEntry[]>();
	readonly #latest = new Map<string, CacheEntry>();
	/** In the order they were recorded. */
	readonly #all = new Set<CacheEntry>();

	/** The newest first. */
	find(key: string): readonly CacheEntry[] {
		return this.#byKey.get(key) ?? [];
	}

	/** What the same step of the same pipeline recorded last. */
	latest(step: Step): CacheEntry | null {
		return this.#latest.get(subjectOf(step)) ?? null;
	}

	/** In the order they were recorded: added again in that order, they make the same cache. */
	entries(): Iterable<CacheEntry> {
		return this.#all;
	}

	record(step: Step, { kind: _, ...recorded }: CacheRecorded): void {
		this.add({ ...recorded, subject: subjectOf(step), outputs: step.outputs, metrics: step.metrics });
	}

	add(entry: CacheEntry): void {
		const ofKey = [entry, ...this.find(entry.key)];
		this.#byKey.set(entry.key, ofKey);
		this.#latest.set(entry.subject, entry);
		this.#all.add(entry);
		for (const old of ofKey.slice(ENTRIES_PER_KEY)) this.#remove(old);
		if (this.#all.size <= ENTRIES_MAX) return;
		for (const oldest of this.#all) return this.#remove(oldest);
	}

	#remove(entry: CacheEntry): void {
		this.#all.delete(entry);
		const left = this.find(entry.key).filter((other) => other !== entry);
		if (left.length > 0) this.#byKey.set(entry.key, left);
		else this.#byKey.delete(entry.key);
		if (this.#latest.get(entry.subject) === entry) this.#latest.delete(entry.subject);
	}
}
