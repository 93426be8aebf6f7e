import fc from "fast-check";
import { expect, it } from "vitest";
import { MetricParser } from "#coordinator/logs/metrics.ts";

const parse = (text: string, cuts: number[] = []): { points: unknown[]; badLines: number } => {
	const bytes = Buffer.from(text);
	const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
	const parser = new MetricParser();
	const all = edges.slice(1).map((edge, index) => parser.push(bytes.subarray(edges[index], edge), 5));
	all.push(parser.end(5));
	return {
		points: all.flatMap((parsed) => parsed.points),
		badLines: all.reduce((sum, parsed) => sum + parsed.badLines, 0),
	};
};

it("takes points and skips what is none", () => {
	const text = [
		'{"name":"a","value":1,"step":3}',
		'{"name":"b","value":-2.5}\r',
		'{"name":"a","value":"1"}',
		'{"name":"","value":1}',
		'{"name":"a","value":1,"step":2.7}',
		'{"name":"a","value":1,"step":-1}',
		'{"name":"a","value":1,"step":"1"}',
		'{"name":"a","value":1e999}',
		'{"name":"a","value":NaN}',
		"[]",
		"null",
		"7",
	].join("\n");
	expect(parse(text)).toEqual({
		points: [
			{ name: "a", value: 1, step: 3, atMs: 5 },
			{ name: "b", value: -2.5, step: 0, atMs: 5 },
			{ name: "a", value: 1, step: 2, atMs: 5 },
			{ name: "a", value: 1, step: 0, atMs: 5 },
		],
		badLines: 8,
	});
});

it("skips a line that is too long, counts it once and goes on after it", () => {
	const long = `{"name":"${"x".repeat(200_000)}","value":1}`;
	const good = '{"name":"a","value":1,"step":3}';
	for (const cuts of [[], [10, 70_000, 140_000], [200_000]]) {
		expect(parse(`${long}\n${good}\n`, cuts)).toMatchObject({ points: [{ name: "a" }], badLines: 1 });
	}
});

it("gives the same wherever the chunks are cut", () => {
	const line = fc.oneof(
		fc
			.record({ name: fc.string({ minLength: 1, maxLength: 5, unit: "binary" }), value: fc.integer(), step: fc.nat() })
			.map((point) => JSON.stringify(point)),
		fc.string({ maxLength: 10 }),
	);
	fc.assert(
		fc.property(fc.array(line, { maxLength: 10 }), fc.array(fc.nat(400), { maxLength: 10 }), (lines, cuts) => {
			expect(parse(lines.join("\n"), cuts)).toEqual(parse(lines.join("\n")));
		}),
	);
});
