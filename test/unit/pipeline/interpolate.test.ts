// biome-ignore-all lint/suspicious/noTemplateCurlyInString: expressions are the matter of these tests

import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { interpolate, interpolateCommand, placeholders } from "#shared/pipeline/interpolate.ts";
import type { Scope, StepFacts } from "#shared/pipeline/scope.ts";

const SH = ["/bin/sh", "-c"];
const facts: Record<string, StepFacts> = {
	prep: {
		state: "succeeded",
		outputs: { text: "a b", list: [1, { k: "v" }], count: 3, nothing: null },
		metrics: { "val/loss": 0.25 },
	},
	check: { state: "failed", outputs: {}, metrics: {} },
	"ev.run": { state: "succeeded", outputs: { r: "sub" }, metrics: {} },
};
const scope: Scope = {
	params: { x: "a b", n: 40, flag: true, "with-dash": "d" },
	matrix: { lr: 0.1, "shard.name": "s1" },
	steps: (name) => facts[name] ?? null,
};

test.each([
	["plain", "plain"],
	["${{ params.x }}", "a b"],
	["${{params.n}}/${{ matrix.lr }}/${{  params.with-dash  }}", "40/0.1/d"],
	["${HOME} $x {{ y }}", "${HOME} $x {{ y }}"],
	["a ${{ params.flag }} z", "a true z"],
	["${{ matrix.shard.name }}", "s1"],
	["${{ steps.prep.outputs.text }} ${{ steps.prep.outputs.count }}", "a b 3"],
	["${{ steps.prep.outputs.list }}", '[1,{"k":"v"}]'],
	["${{ steps.prep.outputs.nothing }}", "null"],
	["${{ steps.prep.metrics.val/loss }}", "0.25"],
	["${{ steps.prep.state }} ${{ steps.check.state }}", "succeeded failed"],
	["${{ steps.ev.run.outputs.r }}", "sub"],
	// A step after a failure runs without what the failed one would have said.
	["[${{ steps.check.metrics.accuracy }}] [${{ steps.check.outputs.verdict }}]", "[] []"],
])("%j becomes %j", (template, expected) => expect(interpolate(template, scope)).toBe(expected));

test.each([
	"${{ params.nope }}",
	"${{ params.constructor }}",
	"${{ env.X }}",
	"${{ params.x",
	"${{ matrix.shard }}",
	"${{ steps.nope.state }}",
	"${{ steps.prep.outputs.constructor }}",
	"${{ steps.prep.metrics.nope }}",
	"${{ steps.prep.outputs }}",
])("%j throws", (template) => {
	expect(() => interpolate(template, scope)).toThrowError(expect.objectContaining({ code: "RM_PIPELINE_INVALID" }));
});

test("placeholders come in order, bad ones without a target", () => {
	expect(placeholders("${{ params.a }} ${{ matrix.b }} ${{ secrets.c }} ${{ params.d")).toEqual([
		{ source: "${{ params.a }}", closed: true, target: { space: "params", name: "a" } },
		{ source: "${{ matrix.b }}", closed: true, target: { space: "matrix", name: "b" } },
		{ source: "${{ secrets.c }}", closed: true, target: null },
		{ source: "${{ params.d", closed: false, target: null },
	]);
});

describe("in a command", () => {
	const command = (text: string, value: string, shell = SH): string =>
		interpolateCommand(text, shell, { params: { v: value }, matrix: {}, steps: () => null });

	test.each([
		["train --tag ${{ params.v }}", "v1.2", "train --tag v1.2"],
		["train --tag ${{ params.v }}", "a b", "train --tag 'a b'"],
		["train --tag ${{ params.v }}", "", "train --tag ''"],
		["train --tag ${{ params.v }}", "x; rm -rf /", "train --tag 'x; rm -rf /'"],
		["train --tag ${{ params.v }}", "it's", "train --tag 'it'\\''s'"],
		['train "${{ params.v }}"', '$(id) `id` \\ "', 'train "\\$(id) \\`id\\` \\\\ \\""'],
		["train '${{ params.v }}'", "it's", "train 'it'\\''s'"],
		["train # ${{ params.v }}", "a\nid", "train # a id"],
		["cat <<'EOF'\n${{ params.v }}\nEOF", "a\nEOF\nid", "cat <<'EOF'\na EOF id\nEOF"],
		["echo $((1<<x)) ${{ params.v }}", "a b", "echo $((1<<x)) 'a b'"],
	])("%j with %j is %j", (text, value, expected) => expect(command(text, value)).toBe(expected));

	it("is left alone for an interpreter that is no shell", () => {
		expect(command("print(${{ params.v }})", "a b", ["python3", "-c"])).toBe("print(a b)");
	});

	// Each prints one line's worth for the value, then a NUL.
	const places = [
		"printf '%s\\0' ${{ params.v }}",
		"printf '%s\\0' \"${{ params.v }}\"",
		"printf '%s\\0' '${{ params.v }}'",
		"printf '%s\\0' \"$(printf '%s' ${{ params.v }}; echo x)\"",
		"printf '%s\\0' \"$(printf '%s' \"${{ params.v }}\"; echo x)\"",
		"# it's ${{ params.v }}\nprintf '%s\\0' ${{ params.v }}",
		"printf '%s\\0' a\\ b'c'\"d\"${{ params.v }}",
		"printf '%s\\0' \\${{ params.v }}",
		"cat <<EOF >/dev/null; printf '%s\\0' ${{ params.v }}\nit's \"${{ params.v }}\nEOF\nprintf '%s\\0' ${{ params.v }}",
		"cat <<A >/dev/null ${{ params.v }}-x 2>/dev/null || :\nA\nprintf '%s\\0' ${{ params.v }}",
		"cat <<-'A' <<B >/dev/null\n\tit's\n\tA\n$(printf '%s' ${{ params.v }})\nB\nprintf '%s\\0' ${{ params.v }}",
		"(printf '%s\\0' ${{ params.v }}); : $((2<<1)) `echo ${{ params.v }} >/dev/null`; printf '%s\\0' ${{ params.v }}",
	];
	const value = fc
		.string({
			unit: fc.oneof(
				fc.constantFrom(..."'\"\\$`;|&<>(){}[]#*?!~ \t\n=%-", "A", "B", "EOF", "$(", "\n"),
				fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
			),
			maxLength: 12,
		})
		.filter((text) => !text.includes("\0") && text.isWellFormed());

	test.each([
		["sh", "/bin/sh"],
		["bash", "/bin/bash"],
	])("a value reaches the program of %s as it is, wherever it stands", (_name, shell) => {
		fc.assert(
			fc.property(fc.array(value, { minLength: 20, maxLength: 20 }), (values) => {
				for (const place of places) {
					const script = values.map((each) => command(place, each)).join("\n");
					const shown = execFileSync(shell, ["-c", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
					expect(shown).toBe(values.map((each) => expectedFrom(place, each)).join(""));
				}
			}),
			{ numRuns: 4 },
		);
	});

	const expectedFrom = (place: string, value: string): string => {
		const prefix = place.includes("'c'\"d\"") ? "a bcd" : "";
		const suffix = place.includes("; echo x") ? "x" : "";
		const prints = place.split("printf '%s\\0'").length - 1;
		return `${prefix}${value}${suffix}\0`.repeat(prints);
	};
});
