// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { expandSteps } from "#shared/pipeline/expand.ts";
import { keys } from "#shared/pipeline/keys.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { unsupportedKeys } from "#shared/pipeline/unsupported.ts";

/** Either a definition or at least one problem that stands inside the file. */
const expectAnswer = (text: string): void => {
	const { definition, problems } = parsePipeline(text, "p.yaml");
	expect(definition === null).toBe(problems.length > 0);
	const lines = text.split(/\r?\n/).length;
	for (const { line, column, message } of problems) {
		expect(line).toBeGreaterThanOrEqual(1);
		expect(line).toBeLessThanOrEqual(lines);
		expect(column).toBeGreaterThanOrEqual(1);
		expect(message).not.toBe("");
	}
	if (definition !== null) expect(expandSteps(definition).length).toBeGreaterThan(0);
};

const word = fc.oneof(
	fc.constantFrom(...new Set([...Object.values(keys).flat(), ...Object.keys(unsupportedKeys)])),
	fc.constantFrom(
		"a",
		"b",
		"c.out",
		"a.out",
		"select",
		"deploy",
		"noop",
		"bash",
		"1Gi",
		"30m",
		"x > 1",
		"../x",
		"__proto__",
	),
	fc.constantFrom("${{ params.a }}", "${{ matrix.x", "${{ }}", "x ${{ matrix.a }}"),
);
const leaf = fc.oneof(word, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string());

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
	tree: fc.oneof(
		{ maxDepth: 5, withCrossShrink: true },
		leaf,
		fc.array(tie("tree"), { maxLength: 4 }),
		fc.dictionary(fc.oneof({ weight: 5, arbitrary: word }, { weight: 1, arbitrary: fc.string() }), tie("tree"), {
			maxKeys: 6,
		}),
	),
}));

/** Nearly a pipeline: steps that name each other, each key with any value now and then. */
const value = fc.oneof({ weight: 1, arbitrary: tree }, { weight: 2, arbitrary: word });
const step = fc.record(Object.fromEntries(keys.step.map((key) => [key, value])), { requiredKeys: [] });
const steps = fc.dictionary(fc.constantFrom("a", "b", "c", "train"), step, { minKeys: 1 });
const pipeline = fc.record(
	{ name: fc.constant("p"), params: value, defaults: value, steps },
	{ requiredKeys: ["name", "steps"] },
);

describe("the parser always answers", () => {
	it("for any text", () => fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), expectAnswer)));

	it("for text made of what YAML is made of", () => {
		const piece = fc.constantFrom(
			..."-?:,[]{}#&*!|>'\"%@` \t\n\r\\",
			"\n  ",
			": ",
			"- ",
			"&a ",
			"*a",
			"<<: ",
			"name: p",
			"steps:",
			"run",
			"---",
			"...",
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => expectAnswer(pieces.join(""))),
			{ numRuns: 500 },
		);
	});

	it("for any tree", () =>
		fc.assert(
			fc.property(tree, (any) => expectAnswer(stringify(any))),
			{ numRuns: 300 },
		));

	it("for what is nearly a pipeline", () => {
		fc.assert(
			fc.property(pipeline, (any) => expectAnswer(stringify(any))),
			{ numRuns: 500 },
		);
	});

	it("for a good file cut off or with a piece left out", () => {
		const good = stringify({
			name: "p",
			params: { epochs: { type: "integer", default: 4, min: 1 } },
			defaults: { retries: { max: 2, on: ["error"] }, env: { A: "${{ params.epochs }}" } },
			steps: {
				train: {
					run: "x ${{ matrix.x }}",
					matrix: { x: [1, 2] },
					outputs: ["model"],
					resources: { gpu: "A100:40GB:2" },
				},
				best: { uses: "select", with: { from: "train", metric: "m", mode: "min" } },
				deploy: { uses: "deploy", with: { model: "best.model", name: "d" } },
			},
		});
		expect(parsePipeline(good, "p.yaml").problems).toEqual([]);
		fc.assert(
			fc.property(fc.nat(good.length), fc.nat(40), (from, length) => {
				expectAnswer(good.slice(0, from));
				expectAnswer(good.slice(0, from) + good.slice(from + length));
			}),
			{ numRuns: 300 },
		);
	});
});
