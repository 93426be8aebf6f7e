/** The tables of docs/pipelines.md and those of the code say the same, both ways. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { actions, type KeyedMap, keys } from "#shared/pipeline/keys.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { unsupportedIn } from "#shared/pipeline/unsupported.ts";

const docs = readFileSync(new URL("../../../docs/pipelines.md", import.meta.url), "utf8");

const headings: Record<KeyedMap, string> = {
	pipeline: "The file",
	param: "A parameter",
	defaults: "Defaults",
	step: "A step",
	resources: "Resources",
	gpu: "A GPU request",
	retries: "Retries",
	select: "With `uses: select`",
	deploy: "With `uses: deploy`",
	approve: "With `uses: approve`",
	subPipeline: "With `uses: pipeline`",
	onLost: "When it is lost",
	cache: "The cache",
	concurrency: "A concurrency group",
	python: "Packages of Python",
	conda: "Packages of conda",
	node: "Packages of Node",
};

const rowsUnder = (heading: string): { key: string; carriedOut: string }[] => {
	const [, section = ""] = docs.split(`\n### ${heading}\n`);
	const [own = ""] = section.split(/\n##/);
	return [...own.matchAll(/^\| `(\w+)` \|.*\| (yes|not yet) \|$/gm)].map(([, key = "", carriedOut = ""]) => ({
		key,
		carriedOut,
	}));
};

test.each(Object.entries(headings) as [KeyedMap, string][])(
	"%s: every key has its row, every row its key",
	(map, heading) => {
		const rows = rowsUnder(heading);
		const those = (answer: string) => rows.filter((row) => row.carriedOut === answer).map((row) => row.key);
		expect(those("yes").sort()).toEqual([...keys[map]].sort());
		expect(those("not yet").sort()).toEqual(unsupportedIn(map).sort());
	},
);

test("every word of `uses` is named", () => {
	for (const word of Object.keys(actions)) expect(docs).toContain(`\`${word}\``);
});

const examples = [...docs.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
const files = Object.fromEntries(
	examples.flatMap((text) => {
		const [, name] = /^# (\S+\.yaml)\n/.exec(text) ?? [];
		return name === undefined ? [] : [[name, text]];
	}),
);
const whole = examples.filter((text) => text.startsWith("name:"));
const pieces = examples.filter((text) => !text.startsWith("name:") && !text.startsWith("# "));

test.each(whole)("the example is a good pipeline: %s", (text) => {
	expect(parsePipeline(text, "pipeline.yaml", files).problems).toEqual([]);
});

/** Steps that the pieces name and do not show. */
const others = `
  prepare: {run: x, outputs: [dataset, configs]}
  train: {run: x, matrix: {lr: [1, 2]}, outputs: [model]}
  best: {uses: select, with: {from: train, metric: accuracy}}
  check: {run: x, outputs: {verdict: verdict.txt}}
`;

test.each(pieces)("the piece of an example is good: %s", (text) => {
	const params = "params: {full: true, epochs: 4}";
	const own = /^(?:steps|on_failure|concurrency|timeout|params|defaults):/m.test(text)
		? text
		: `steps:\n${text.replace(/^/gm, "  ")}`;
	const [head = "", steps = ""] = own.split(/^steps:\n/m);
	const missing = others
		.split("\n")
		.filter((line) => !steps.includes(`\n${line.split(":")[0]}:`) && !steps.startsWith(`${line.split(":")[0]}:`));
	const file = `name: p\n${/^params:/m.test(own) ? "" : params}\n${head}\nsteps:${missing.join("\n")}\n${steps}`;
	expect(parsePipeline(file, "pipeline.yaml", files).problems).toEqual([]);
});

test("the docs show pieces and wholes", () => {
	expect(whole.length).toBeGreaterThan(0);
	expect(pieces.length).toBeGreaterThan(8);
});
