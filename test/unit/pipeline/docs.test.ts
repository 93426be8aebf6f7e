/** The tables of docs/pipelines.md and those of the code say the same, both ways. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type KeyedMap, keys } from "#shared/pipeline/keys.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";
import { unsupportedIn, unsupportedUses } from "#shared/pipeline/unsupported.ts";

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

test("every word of `uses` that is refused is named", () => {
	for (const word of Object.keys(unsupportedUses)) expect(docs).toContain(`\`uses: ${word}\``);
});

test("the example is a good pipeline", () => {
	const [, example = ""] = docs.split(/```(?:yaml)?\n/);
	expect(parsePipeline(example, "docs/pipelines.md").problems).toEqual([]);
	expect(parsePipeline(example, "docs/pipelines.md").definition?.steps).toHaveLength(5);
});
