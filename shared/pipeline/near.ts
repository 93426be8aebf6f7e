/** The known word a mistyped one was probably meant to be. */

import { distance } from "fastest-levenshtein";

const nearWord = (word: string, known: Iterable<string>): string | null => {
	let best: string | null = null;
	// Two letters change places in `form`: a distance of two. In shorter words that would fit anything.
	const allowed = [2, 4, 8].filter((length) => word.length >= length).length;
	let bestDistance = allowed + 1;
	for (const candidate of known) {
		if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
		const away = distance(word.toLowerCase(), candidate.toLowerCase());
		if (away < bestDistance) [best, bestDistance] = [candidate, away];
	}
	return best;
};

const MAX_LISTED = 10;

/** The near word; without one, what there is. */
export const suggest = (word: string, known: readonly string[]): string => {
	const near = didYouMean(word, known);
	if (near !== "") return near;
	if (known.length === 0) return "there is none";
	return `known: ${known.slice(0, MAX_LISTED).join(", ")}${known.length > MAX_LISTED ? ", …" : ""}`;
};

/** "did you mean `needs`?", or "" when nothing is near. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
	const near = nearWord(word, known);
	return near === null ? "" : `did you mean \`${near}\`?`;
};
