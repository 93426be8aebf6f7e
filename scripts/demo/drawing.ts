/** Digits drawn with block characters, side by side, each above what the model says it is. */

import type { Style } from "#cli/output/style.ts";
import { type Answer, isRight, SIDE } from "./quiz.ts";

const SHADES = [" ", "░", "▒", "▓", "█"] as const;
/** A character is twice as high as wide. */
const PIXEL_WIDTH = 2;
const WIDTH = SIDE * PIXEL_WIDTH;
const GAP = "   ";
const MARGIN = "  ";
const [FEWEST, MOST] = [4, 6];

/** As many as fit: one that the model got wrong, if it did, and the others of different digits. */
export const chooseDrawn = (answers: readonly Answer[], columns: number): Answer[] => {
	const fits = Math.floor((columns - MARGIN.length + GAP.length) / (WIDTH + GAP.length));
	const count = Math.min(MOST, Math.max(FEWEST, fits));
	const wrong = answers.find((answer) => !isRight(answer));
	const drawn = new Map<number, Answer>();
	for (const answer of answers) {
		if (isRight(answer) && answer.label !== wrong?.label && !drawn.has(answer.label)) drawn.set(answer.label, answer);
	}
	return [...[...drawn.values()].slice(0, count - (wrong ? 1 : 0)), ...(wrong ? [wrong] : [])];
};

export const drawAnswers = (answers: readonly Answer[], style: Style): string[] => {
	const drawings = answers.map((answer) => [...drawPixels(answer.pixels), "", ...captions(answer, style)]);
	const height = Math.max(...drawings.map((drawing) => drawing.length));
	return Array.from({ length: height }, (_, line) =>
		`${MARGIN}${drawings.map((drawing) => drawing[line] || " ".repeat(WIDTH)).join(GAP)}`.trimEnd(),
	);
};

const drawPixels = (pixels: readonly number[]): string[] =>
	Array.from({ length: SIDE }, (_, y) =>
		pixels
			.slice(y * SIDE, (y + 1) * SIDE)
			.map((ink) => shadeOf(ink).repeat(PIXEL_WIDTH))
			.join(""),
	);

const shadeOf = (ink: number): string => SHADES[Math.round(ink * (SHADES.length - 1))] ?? " ";

/** Padded before they are painted: colours have no width. */
const captions = (answer: Answer, style: Style): string[] => {
	const { digit, label } = answer;
	const share = (of: number): string => `${((answer.probabilities[of] ?? 0) * 100).toFixed(1)} %`;
	const said = `says ${digit}, ${share(digit)}`.padEnd(WIDTH);
	if (isRight(answer)) return [style.good(said)];
	return [style.bad(said), style.dim(`it's ${label}, ${share(label)}`.padEnd(WIDTH))];
};
