/** Colours by meaning. Without a terminal every function leaves its text as it is. */

import picocolors from "picocolors";

export type Paint = (text: string) => string;

export interface Style {
	bold: Paint;
	dim: Paint;
	good: Paint;
	bad: Paint;
	busy: Paint;
	waiting: Paint;
	/** By a state's word: of runs, steps, attempts, agents, replicas. */
	state: (state: string) => Paint;
	/** The same colour for the same name. */
	name: (name: string) => Paint;
}

const GOOD = new Set(["succeeded", "online", "serving", "validated"]);
const BAD = new Set(["failed", "lost"]);
const BUSY = new Set(["running", "leased", "loading"]);
const WAITING = new Set([
	...["backoff", "held", "queued", "cancelling", "cancelled", "declined"],
	...["closed", "cordoned", "draining", "drained"],
]);

export const createStyle = (enabled: boolean): Style => {
	const { bold, dim, green, red, cyan, yellow, blue, magenta } = picocolors.createColors(enabled);
	const names = [cyan, magenta, blue, green, yellow];
	return {
		bold,
		dim,
		good: green,
		bad: red,
		busy: cyan,
		waiting: yellow,
		state: (state) => {
			if (GOOD.has(state)) return green;
			if (BAD.has(state)) return red;
			if (BUSY.has(state)) return cyan;
			return WAITING.has(state) ? yellow : dim;
		},
		name: (name) => {
			let sum = 0;
			for (const character of name) sum = (sum * 31 + character.charCodeAt(0)) % 9_973;
			return names[sum % names.length] ?? cyan;
		},
	};
};
