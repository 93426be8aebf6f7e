/**
 * Search in runs: what is asked is words, each the beginning of one in a run's id, pipeline, submitter or parameters
 * (`digits lr=0.1`). All of them must be found.
 */

import type { ParamValue } from "#shared/pipeline/definition.ts";

/** Of one parameter; a text of some length is found by how it begins. */
const VALUE_MAX = 200;
const WORDS_MAX = 4_000;

export const searchedWords = (
	id: string,
	pipeline: string,
	submitter: string,
	params: Record<string, ParamValue>,
): string => {
	const values = Object.entries(params).map(([name, value]) => `${name}=${String(value).slice(0, VALUE_MAX)}`);
	return [id, pipeline, submitter, ...values].join(" ").slice(0, WORDS_MAX);
};

/** The same as the index takes it; null where no word is in it, which nothing matches. */
export const searchQuery = (text: string): string | null => {
	const words = text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
	return words.length === 0 ? null : words.map((word) => `"${word.replaceAll('"', '""')}" *`).join(" ");
};
