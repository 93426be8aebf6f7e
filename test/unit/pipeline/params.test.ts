import { expect, test } from "vitest";
import type { ParamValue } from "#shared/pipeline/definition.ts";
import { resolveParams } from "#shared/pipeline/params.ts";
import { parsed } from "./parsed.ts";

const definition = parsed(`
name: p
params:
  epochs: {type: integer, default: 40, min: 1, max: 500}
  lr: 0.1
  fast: false
  tag: v1
  mode: {default: max, choices: [max, min]}
  data: {type: string}
steps: {a: {run: x}}
`);

const resolve = (given: Record<string, ParamValue>) => resolveParams(definition, given);

test("defaults are filled in, in the order of the file", () => {
	const { params, problems } = resolve({ data: "mnist" });
	expect(problems).toEqual([]);
	expect(Object.entries(params)).toEqual([
		["epochs", 40],
		["lr", 0.1],
		["fast", false],
		["tag", "v1"],
		["mode", "max"],
		["data", "mnist"],
	]);
});

test("text is read by the parameter's type", () => {
	const { params, problems } = resolve({ epochs: "7", lr: "1e-3", fast: "true", tag: "7", data: "" });
	expect(problems).toEqual([]);
	expect(params).toMatchObject({ epochs: 7, lr: 0.001, fast: true, tag: "7", data: "" });
});

test.each<[Record<string, ParamValue>, string[]]>([
	[{}, ["parameter `data`: expected text: it has no default, give it"]],
	[{ data: 1 }, ["parameter `data`: expected text, found number `1`"]],
	[{ data: "d", epochs: 0 }, ["parameter `epochs`: expected at least 1, found 0"]],
	[{ data: "d", epochs: "501" }, ["parameter `epochs`: expected at most 500, found 501"]],
	[{ data: "d", epochs: "1.5" }, ["parameter `epochs`: expected a whole number, found number `1.5`"]],
	[{ data: "d", epochs: "" }, ["parameter `epochs`: expected a whole number, found string ``"]],
	[{ data: "d", lr: "0x10" }, ["parameter `lr`: expected a number, found string `0x10`"]],
	[{ data: "d", lr: Number.NaN }, ["parameter `lr`: expected a number, found number `NaN`"]],
	[{ data: "d", fast: "yes" }, ["parameter `fast`: expected true or false, found string `yes`"]],
	[{ data: "d", mode: "avg" }, ["parameter `mode`: expected one of max, min, found `avg`"]],
	[{ data: "a\0b" }, ["parameter `data`: holds a NUL character, which no program can be given"]],
	[{ data: "d", epoch: 3 }, ["`epoch` is no parameter of p: did you mean `epochs`?"]],
	[{ data: "d", constructor: 3 }, ["`constructor` is no parameter of p: known: epochs, lr, fast, tag, mode, data"]],
])("%j is refused", (given, expected) => expect(resolve(given).problems).toEqual(expected));

test("a flood of unknown names is not answered in full", () => {
	const flood = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`unknown${index}`, 1]));
	const { problems } = resolve({ data: "d", ...flood });
	expect(problems).toHaveLength(21);
	expect(problems.at(-1)).toBe("and 4980 more unknown parameters");
});
