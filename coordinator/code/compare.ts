/**
 * Answers whether a code tree looks to a step as those did that earlier results were made from. Beside the core's
 * turns, one question at a time; what can't be told is no match, so that the step runs.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import { codeUseDifferences, codeUseKey } from "#shared/blobs/code-use.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import { readManifest } from "#shared/blobs/tree.ts";
import type { CodeUse, Manifest } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import type { CodeCandidate, Effect, Input } from "../core/inputs.ts";

export type CompareCode = Extract<Effect, { kind: "compareCode" }>;

export interface CodeComparisonPorts {
	blobs: BlobStore;
	take(input: Input): Promise<void>;
	log: Logger;
}

/** A run has one; several runs alternate. */
const TREES_KEPT = 8;
const ANSWERS_KEPT = 10_000;

const DIFFERENCES_TOLD = 5;
/** A disk may hang; a step that waits for the answer must not. */
const COMPARE_WITHIN_MS = 10_000;

type Comparison = Pick<Extract<Input, { kind: "codeCompared" }>, "match" | "differing">;

interface KnownTree {
	manifest: Manifest;
	/** Of uses, by their keys, which say what was read. */
	answers: Map<string, boolean>;
}

export const createCodeComparison = ({ blobs, take, log }: CodeComparisonPorts): ((effect: CompareCode) => void) => {
	const trees = new Map<Digest, KnownTree>();
	let last: Promise<void> = Promise.resolve();

	const treeOf = async (digest: Digest): Promise<KnownTree> => {
		const known = trees.get(digest) ?? { manifest: await readManifest(blobs, digest), answers: new Map() };
		// The one that was asked for last goes to the end; the first goes when there are too many.
		trees.delete(digest);
		trees.set(digest, known);
		for (const oldest of trees.keys()) if (trees.size > TREES_KEPT) trees.delete(oldest);
		return known;
	};

	const looksTheSame = async ({ manifest, answers }: KnownTree, use: CodeUse): Promise<boolean> => {
		const known = answers.get(use.key);
		if (known !== undefined) return known;
		await nextTurn();
		const answer = codeUseKey(manifest, use.paths) === use.key;
		if (answers.size >= ANSWERS_KEPT) answers.clear();
		answers.set(use.key, answer);
		return answer;
	};

	const compare = async ({ code, candidates }: CompareCode): Promise<Comparison> => {
		const tree = await treeOf(code.digest);
		for (const [index, { use }] of candidates.entries()) {
			if (await looksTheSame(tree, use)) return { match: index, differing: [] };
		}
		const [first] = candidates;
		return { match: null, differing: first ? await differencesFrom(first, tree) : [] };
	};

	/** Of a tree that is not here any more nothing can be told. */
	const differencesFrom = async ({ codeDigest, use }: CodeCandidate, tree: KnownTree): Promise<string[]> => {
		if (codeDigest === "") return [];
		const before = await treeOf(codeDigest).catch(() => null);
		const found = before ? codeUseDifferences(before.manifest, tree.manifest, use) : [];
		const more = found.length > DIFFERENCES_TOLD ? [`and ${found.length - DIFFERENCES_TOLD} more`] : [];
		return [...found.slice(0, DIFFERENCES_TOLD), ...more];
	};

	const answer = async (effect: CompareCode): Promise<void> => {
		const { runId, stepKey } = effect;
		const late = Promise.withResolvers<never>();
		const timer = setTimeout(() => late.reject(new Error("its files could not be read in time")), COMPARE_WITHIN_MS);
		const comparison = await Promise.race([compare(effect), late.promise]).catch((error: unknown): Comparison => {
			log.warn({ err: error, run: runId, step: stepKey }, "the code could not be compared; the step runs");
			return { match: null, differing: [] };
		});
		clearTimeout(timer);
		await take({ kind: "codeCompared", runId, stepKey, ...comparison }).catch((error: unknown) =>
			log.debug({ err: error, run: runId, step: stepKey }, "nobody takes the answer: this coordinator leads no more"),
		);
	};

	return (effect) => {
		last = last.then(() => answer(effect));
	};
};
