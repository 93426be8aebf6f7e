import { describe, expect, it } from "vitest";
import { createStyle } from "#cli/output/style.ts";
import { chooseDrawn, drawAnswers } from "../../../scripts/demo/drawing.ts";
import { type Answer, accuracyOf, percentile } from "../../../scripts/demo/quiz.ts";

const plain = createStyle(false);

const answer = (label: number, digit = label): Answer => ({
	pixels: Array.from({ length: 64 }, (_, pixel) => (pixel % 8) / 7),
	label,
	digit,
	probabilities: Array.from({ length: 10 }, (_, index) => (index === digit ? 0.91 : 0.01)),
	tookMs: 1,
});

describe("the demo's drawings", () => {
	const answers = [answer(3), answer(3), answer(5), answer(7, 1), answer(8), answer(0), answer(2), answer(6)];

	it("are of different digits, as many as fit, one of them wrong", () => {
		expect(chooseDrawn(answers, 80).map(({ label, digit }) => [label, digit])).toEqual([
			[3, 3],
			[5, 5],
			[8, 8],
			[7, 1],
		]);
		expect(chooseDrawn(answers, 120)).toHaveLength(6);
		expect(chooseDrawn([answer(1), answer(1)], 80)).toHaveLength(1);
	});

	it("stand side by side above what the model says", () => {
		const lines = drawAnswers([answer(3), answer(7, 1)], plain);
		expect(lines.slice(0, 8)).toEqual(Array(8).fill("    ░░░░▒▒▒▒▓▓▓▓██     ░░░░▒▒▒▒▓▓▓▓██"));
		expect(lines[9]).toBe("  says 3, 91.0 %     says 1, 91.0 %");
		expect(lines[10]?.trim()).toBe("it's 7, 1.0 %");
	});
});

describe("the demo's figures", () => {
	it("count every answer", () => {
		const answers = [answer(1), answer(2), answer(3, 8), answer(4)];
		expect(accuracyOf({ answers, tookMs: 10 })).toBe(0.75);
		expect(percentile([4, 1, 3, 2], 0.5)).toBe(2);
		expect(percentile([4, 1, 3, 2], 0.99)).toBe(4);
	});
});
