import { expect, test } from "vitest";
import {
	formatAge,
	formatBytes,
	formatDuration,
	formatMetrics,
	formatNumber,
	formatResources,
	lastAgents,
} from "#cli/output/format.ts";
import { createStyle } from "#cli/output/style.ts";
import { renderTable } from "#cli/output/table.ts";
import { escapeControls, truncate, widthOf } from "#cli/output/text.ts";
import type { StepView } from "#shared/api.ts";

test("sizes are in the unit that keeps them short", () => {
	expect([0, 1, 1_023, 1_024, 1_536, 300 * 1024, 5 * 1024 ** 3].map(formatBytes)).toEqual([
		"0 B",
		"1 B",
		"1023 B",
		"1 KiB",
		"1.5 KiB",
		"300 KiB",
		"5 GiB",
	]);
});

test("durations have two units at most", () => {
	expect([-5, 85, 3_249, 59_960, 252_000, 7_500_000, 277_200_000].map(formatDuration)).toEqual([
		"0ms",
		"85ms",
		"3.2s",
		"1m00s",
		"4m12s",
		"2h05m",
		"3d5h",
	]);
});

test("ages have one", () => {
	const now = 10 * 86_400_000;
	expect([0, 500, 59_000, 61_000, 7_200_000, 3 * 86_400_000].map((ago) => formatAge(now - ago, now))).toEqual([
		"now",
		"now",
		"59s ago",
		"1m ago",
		"2h ago",
		"3d ago",
	]);
	expect(formatAge(now + 5_000, now)).toBe("now");
});

test("metrics show four digits and say how many more there are", () => {
	expect(formatNumber(0.123456)).toBe("0.1235");
	expect(formatNumber(123_456)).toBe("123456");
	const metrics = ["a", "b", "c"].map((name) => ({ name, value: 1, step: 0 }));
	expect(formatMetrics(metrics, 2)).toBe("a=1 b=1 +1");
});

test("resources name what is asked for", () => {
	expect(formatResources({ cpuMillis: 500, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} })).toBe("0.5 cpu");
	expect(
		formatResources({
			cpuMillis: 2_000,
			memoryBytes: 1024 ** 3,
			gpu: { count: 1, memoryBytes: 10 * 1024 ** 3, model: "A100" },
			diskBytes: 0,
			named: {},
		}),
	).toBe("2 cpu, 1 GiB, 1 gpu 10 GiB A100");
});

test("control characters become visible, tabs and letters stay", () => {
	expect(escapeControls("a\tb\u0007\u001b]0;title\u0007 é 漢 \u202e")).toBe("a\tb\\x07\\x1b]0;title\\x07 é 漢 \\u202e");
});

test("colours pass only where they are wanted, and end with the text", () => {
	const text = "\u001b[31mred\u001b[2Jgone";
	expect(escapeControls(text)).toBe("red\\x1b[2Jgone");
	expect(escapeControls(text, true)).toBe("\u001b[31mred\\x1b[2Jgone\u001b[0m");
});

test("text is cut with an ellipsis", () => {
	expect(truncate("abcdef", 6)).toBe("abcdef");
	expect(truncate("abcdef", 4)).toBe("abc…");
	expect(truncate("abcdef", 1)).toBe("…");
	expect(truncate("abcdef", 0)).toBe("");
});

const columns = [{ header: "NAME" }, { header: "N", align: "right" }, { header: "WHY", flexible: true }] as const;

test("a table is aligned and has no blanks at its ends", () => {
	const rows = [
		["a", "1", "short"],
		["longer", "200", ""],
	];
	expect(renderTable(columns, rows, { width: null })).toEqual([
		"NAME      N  WHY",
		"a         1  short",
		"longer  200",
	]);
});

test("a table too wide gives up its flexible columns first, down to their least", () => {
	const rows = [["a", "1", "x".repeat(100)]];
	for (const width of [40, 30, 20]) {
		for (const line of renderTable(columns, rows, { width })) expect(widthOf(line)).toBeLessThanOrEqual(width);
	}
	expect(renderTable(columns, rows, { width: 5 })[1]).toBe("a     1  xxxxxxx…");
});

test("several flexible columns share what must go", () => {
	const wide = [
		{ header: "A", flexible: true },
		{ header: "B", flexible: true },
	];
	const [, line] = renderTable(wide, [["a".repeat(60), "b".repeat(20)]], { width: 42 });
	expect(line).toBe(`${"a".repeat(19)}…  ${"b".repeat(20)}`);
});

test("colours do not disturb the columns", () => {
	const { bad } = createStyle(true);
	const rows = [
		[{ text: "no", paint: bad }, "1"],
		["fine", "2"],
	];
	const [, first, second] = renderTable([{ header: "" }, { header: "" }], rows, { width: null });
	expect(first).toContain("\u001b[31mno\u001b[39m    1");
	expect(second).toBe("fine  2");
});

test("a gang is told with all its agents, or with how many there are", () => {
	const on = (...attempts: object[]): StepView => ({ attempts }) as StepView;
	const members = ["b", "c", "d"];
	expect(lastAgents(on())).toBe("");
	expect(lastAgents(on({ agent: "a", members: [] }))).toBe("a");
	expect(lastAgents(on({ agent: "z", members }, { agent: "a", members: ["b"] }))).toBe("a b");
	expect(lastAgents(on({ agent: "a", members }))).toBe("a and 3 more");
});
