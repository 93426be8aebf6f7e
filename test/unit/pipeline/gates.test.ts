import { expect, test } from "vitest";
import { evaluateGates, parseGate } from "#shared/pipeline/gates.ts";

const held = (source: string, value: number | null): boolean | undefined => {
	const gate = parseGate(source);
	if (gate === null) throw new Error(`no gate: ${source}`);
	return evaluateGates([gate], value === null ? [] : [{ name: gate.metric, value, step: 0 }])[0]?.held;
};

test.each([
	["accuracy >= 0.95", 0.95, true],
	["accuracy >= 0.95", 0.9499, false],
	["latency_p99_ms<5", 4.9, true],
	["latency_p99_ms < 5", 5, false],
	["loss <= 1e-3", 0.001, true],
	["loss > -1", 0, true],
	["epochs == 3", 3, true],
	["epochs != 3", 3, false],
	["epochs != 3", 4, true],
	["val/loss < .5", 0.4, true],
	["accuracy < 1", null, false],
	["accuracy != 1", null, false],
	["accuracy != 1", Number.NaN, false],
	["accuracy < 1", Number.NaN, false],
	["accuracy < 1", Number.NEGATIVE_INFINITY, true],
])("%s with %d holds: %j", (source, value, expected) => expect(held(source, value)).toBe(expected));

test.each([
	"accuracy",
	"accuracy = 1",
	"accuracy > 5ms",
	"> 5",
	"accuracy => 1",
	"accuracy > x",
	"a b > 1",
	"a > 1e999",
])("%j is no gate", (source) => expect(parseGate(source)).toBeNull());

test("a missing metric has no value, the last one of a name counts", () => {
	const gates = ["a > 1", "b > 1"].map((source) => parseGate(source)).filter((gate) => gate !== null);
	const metrics = [
		{ name: "a", value: 0, step: 1 },
		{ name: "a", value: 2, step: 2 },
	];
	expect(evaluateGates(gates, metrics)).toEqual([
		{ gate: gates[0], value: 2, held: true },
		{ gate: gates[1], value: null, held: false },
	]);
});
