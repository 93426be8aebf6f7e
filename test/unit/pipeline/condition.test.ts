import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type ConditionScope, evaluateCondition } from "#shared/pipeline/condition.ts";
import { ConditionFault, parseCondition, referencesIn } from "#shared/pipeline/condition-syntax.ts";
import type { StepFacts } from "#shared/pipeline/scope.ts";

const steps: Record<string, StepFacts> = {
	check: {
		state: "succeeded",
		outputs: { verdict: "no", flag: true, list: [1, 2], empty: "", nothing: null, zero: 0 },
		metrics: { accuracy: 0.93, "val/loss": 0.1 },
	},
	"my-step": { state: "failed", outputs: {}, metrics: {} },
	"ev.run": { state: "skipped", outputs: {}, metrics: {} },
	metrics: { state: "succeeded", outputs: { state: "odd" }, metrics: { state: 7 } },
};

const scope: ConditionScope = {
	params: { full: true, epochs: 40, mode: "fast", "learning-rate": 0.1 },
	matrix: { lr: 0.03, "shard.name": "s1" },
	steps: (name) => (Object.hasOwn(steps, name) ? (steps[name] ?? null) : null),
	succeeded: false,
	failed: true,
};

const held = (source: string, changes: Partial<ConditionScope> = {}): boolean =>
	evaluateCondition(source, { ...scope, ...changes }).held;

test.each<[string, boolean]>([
	["true", true],
	["false", false],
	["null", false],
	["0", false],
	["''", false],
	["'no'", true],
	["params.full", true],
	["!params.full", false],
	["params.epochs >= 40 && params.epochs < 41", true],
	["params.learning-rate == .1", true],
	["params.mode == 'fast'", true],
	['params.mode != "fast"', false],
	["matrix.lr < 0.1", true],
	["matrix.shard.name == 's1'", true],
	["steps.check.state == 'succeeded'", true],
	["steps.my-step.state == 'failed'", true],
	["steps.ev.run.state == 'skipped'", true],
	["steps.check.outputs.verdict == 'no'", true],
	["steps.check.outputs.flag", true],
	["steps.check.outputs.zero", false],
	["steps.check.outputs.empty == ''", true],
	["steps.check.outputs.nothing == null", true],
	["steps.check.metrics.accuracy >= 0.9", true],
	["steps.check.metrics.val/loss < 0.2", true],
	["-steps.check.metrics.accuracy < 0", true],
	[
		"steps.metrics.metrics.state == 7 && steps.metrics.outputs.state == 'odd' && steps.metrics.state == 'succeeded'",
		true,
	],
	["succeeded()", false],
	["failed()", true],
	["always()", true],
	["failed() && !succeeded()", true],
	// `&&` binds more than `||`, `==` more than both.
	["true || false && false", true],
	["(true || false) && false", false],
	["1 == 2 || 3 == 3", true],
	["!false == true", true],
	// Text is compared by its characters, and nothing is turned into a number.
	["'a' < 'b'", true],
	["'10' < '9'", true],
	["'10' < 9", false],
	["'1' == 1", false],
	["'1' != 1", true],
	["true == 1", false],
	// What is not there is null, and null is neither more nor less than anything.
	["steps.check.metrics.nope == null", true],
	["steps.check.metrics.nope < 1", false],
	["steps.check.metrics.nope >= 0", false],
	["!(steps.check.metrics.nope >= 0)", true],
	["null <= null", false],
	["steps.nope.outputs.x == null", true],
	["steps.nope.state == 'failed'", false],
	["params.nope == null", true],
	["-params.mode == null", true],
	// Lists and mappings equal nothing, but they are something.
	["steps.check.outputs.list == steps.check.outputs.list", false],
	["steps.check.outputs.list != 1", true],
	["steps.check.outputs.list", true],
	["steps.check.outputs.list > 0", false],
	// Names inside of quotes are text.
	["'params.full' == 'params.full'", true],
	["'it\\'s' == \"it's\"", true],
	["'a && b || ; $1' != ''", true],
])("%s is %j", (source, expected) => expect(held(source)).toBe(expected));

test.each<[string, string]>([
	["steps.check.metrics.accuracy >= 0.95", "steps.check.metrics.accuracy is 0.93"],
	["params.full && steps.check.outputs.verdict == 'ok'", 'params.full is true, steps.check.outputs.verdict is "no"'],
	// What was not asked is not told.
	["!params.full && steps.check.outputs.verdict == 'ok'", "params.full is true"],
	["steps.check.metrics.nope > 1", "steps.check.metrics.nope is not reported"],
	["steps.check.outputs.nope", "steps.check.outputs.nope is null"],
	["succeeded() || failed() || always()", "succeeded() is false, failed() is true"],
	["params.epochs == 40 && params.epochs > 1", "params.epochs is 40"],
	["always()", "it says `always()`"],
	["1 == 2", "it says `1 == 2`"],
	["steps.check.outputs.list == 1", "steps.check.outputs.list is [1,2]"],
])("%s found %s", (source, found) => expect(evaluateCondition(source, scope).found).toBe(found));

test("a long value is told in short", () => {
	const { found } = evaluateCondition("params.long == ''", { ...scope, params: { long: "x".repeat(1000) } });
	expect(found.length).toBeLessThan(100);
});

test.each<[string, boolean]>([
	["params.full", false],
	["steps.check.outputs.verdict == 'ok'", false],
	["steps.check.metrics.accuracy > 1", false],
	["'failed()' == 'steps.a.state'", false],
	["always()", true],
	["!failed()", true],
	["params.full || (succeeded() && true)", true],
	["steps.check.state != 'failed'", true],
	["-1 < 2 && steps.check.state == params.mode", true],
])("%s is aware of how steps ended: %j", (source, aware) => expect(parseCondition(source).statusAware).toBe(aware));

test("references are found where they stand, not those in quotes", () => {
	const source = "params.a == 'params.b' && steps.x.outputs.y";
	expect(parseCondition(source).references).toEqual([
		{ at: 0, source: "params.a", reference: { space: "params", name: "a" } },
		{ at: 26, source: "steps.x.outputs.y", reference: { space: "steps", step: "x", field: "outputs", name: "y" } },
	]);
	expect(referencesIn(source)).toEqual(parseCondition(source).references.map(({ reference }) => reference));
});

describe("what is no condition", () => {
	const fault = (source: string): string => {
		try {
			parseCondition(source);
		} catch (error) {
			if (error instanceof ConditionFault) return `${error.at}: ${error.message}${error.hint && ` (${error.hint})`}`;
			throw error;
		}
		return "none";
	};

	test.each<[string, string]>([
		["params.full &", "13: expected expression after &"],
		["params.a = 1", '9: unexpected "=" (did you mean `==`?)'],
		["params.a === 1", "9: `===`: it is no operator of conditions (did you mean `==`?)"],
		["params.a and params.b", "9: `and` is nothing that is known here (did you mean `&&`?)"],
		["not params.a", "0: `not` is nothing that is known here (did you mean `!`?)"],
		["1 + 2", "2: `+`: it is no operator of conditions (operators are == != < <= > >= && || !)"],
		["params.a | params.b", "9: `|`: it is no operator of conditions (did you mean `||`?)"],
		["failed", "0: `failed` is nothing that is known here (did you mean `failed()`?)"],
		["steps.a.state == failed", "17: `failed` is nothing that is known here (did you mean `failed()`?)"],
		["steps.a.state == done", "17: `done` is nothing that is known here (text stands in quotes)"],
		["failure()", "0: `failure` is no function (did you mean `failed()`?)"],
		["contains(params.a, 'x')", "17: `,` has no meaning here"],
		["failed('a')", "0: failed() takes nothing between its parentheses"],
		["params.a('x')", "0: what stands before `(` is no function (known: succeeded(), failed(), always())"],
		["true false", "0: more than one condition (join them by `&&` or `||`)"],
		["param.a", "0: `param` is nothing that is known here (did you mean `params`?)"],
		["params.a.b", "0: `params.a.b` names nothing that is known here"],
		["steps.a", "0: `steps.a` names nothing that is known here"],
		["steps.a.output.x", "0: `steps.a.output.x` names nothing that is known here"],
		["'a'.length", "3: `.`: it is no part of a condition"],
		["params.a['x']", "8: `[`: it is no part of a condition"],
		["[1, 2]", "2: `,` has no meaning here"],
		["[1]", "0: `[`: it is no part of a condition"],
		["params.a ? 1 : 2", "9: `?`: it is no part of a condition"],
		["this", "0: `this`: it is no part of a condition"],
		["(true", "5: unclosed ("],
		["'abc", "4: unclosed quote"],
		["$0", "0: `$` has no meaning here"],
		["true; false", "4: `;` has no meaning here"],
		["1 <", "3: expected expression after <"],
		["1e400", "0: `1e400`: it is too large a number"],
		["constructor", "0: `constructor` is nothing that is known here (text stands in quotes)"],
		["__proto__", "0: `__proto__` is nothing that is known here (text stands in quotes)"],
		["toString()", "0: `toString` is no function (known: succeeded(), failed(), always())"],
		[`${"(".repeat(129)}1${")".repeat(129)}`, "128: too many parentheses in each other"],
	])("%s", (source, expected) => expect(fault(source)).toContain(expected));

	it("does not hold, and says why, should one be asked all the same", () => {
		expect(evaluateCondition("params.a +", scope)).toEqual({
			held: false,
			found: expect.stringContaining("it can't be read: expected expression after +"),
		});
	});
});

describe("whatever is asked", () => {
	const word = fc.constantFrom(
		...["params.full", "params.nope", "matrix.lr", "steps.check.state", "steps.check.outputs.list"],
		...["steps.my-step.metrics.x", "steps.check.metrics.accuracy", "steps.x.y", "params", "this", "constructor"],
		...["succeeded()", "failed()", "always()", "true", "null", "1.5", "'a'", '"b"', "'", '"', "\\"],
		...["(", ")", "!", "-", "+", "&&", "||", "==", "!=", "<", "<=", ">", ">=", "=", "?", ":", "[", "]", ",", ";", "."],
		..."$#@%^&*~`{} \n".split(""),
	);
	const source = fc.oneof(
		fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
		fc.array(word, { maxLength: 12 }).map((words) => words.join("")),
		fc.string({ unit: "binary", maxLength: 60 }),
	);
	const json = fc.dictionary(fc.constantFrom("list", "verdict", "accuracy", "x"), fc.jsonValue());
	const facts = fc.record<StepFacts>({
		state: fc.constantFrom("succeeded", "failed", "cancelled", "skipped"),
		outputs: json,
		metrics: fc.dictionary(fc.constantFrom("accuracy", "x"), fc.double()),
	});
	const anyScope = fc
		.record({ found: fc.option(facts), full: fc.oneof(fc.string(), fc.double(), fc.boolean()), failed: fc.boolean() })
		.map(({ found, full, failed }): ConditionScope => {
			const params = { full };
			return { params, matrix: {}, steps: () => found, failed, succeeded: !failed };
		});

	it("is answered: with a reason, the same each time, and never by throwing", () => {
		fc.assert(
			fc.property(source, anyScope, (text, any) => {
				const answer = evaluateCondition(text, any);
				expect(answer).toEqual(evaluateCondition(text, any));
				expect(typeof answer.held).toBe("boolean");
				expect(answer.found).not.toBe("");
			}),
			{ numRuns: 2000 },
		);
	});

	it("is refused by a fault that stands inside the text, or accepted and then asked without fault", () => {
		fc.assert(
			fc.property(source, anyScope, (text, any) => {
				try {
					parseCondition(text);
				} catch (error) {
					if (!(error instanceof ConditionFault)) throw error;
					expect(error.at).toBeGreaterThanOrEqual(0);
					expect(error.at).toBeLessThanOrEqual(text.length);
					expect(error.message).not.toBe("");
					return;
				}
				expect(evaluateCondition(text, any).found).not.toContain("can't be read");
			}),
			{ numRuns: 2000 },
		);
	});

	it("means what JavaScript means, for numbers and truth values", () => {
		/** The same in both languages: JavaScript's `&&` gives the last value, so there it is made a truth value. */
		const { expression } = fc.letrec<{ expression: [ours: string, theirs: string] }>((tie) => ({
			expression: fc.oneof(
				{ maxDepth: 5, withCrossShrink: true },
				fc.constantFrom<[string, string][]>(
					["true", "true"],
					["false", "false"],
					["1", "1"],
					["0", "0"],
					["2.5", "2.5"],
				),
				fc
					.tuple(tie("expression"), fc.constantFrom("&&", "||", "==", "!="), tie("expression"))
					.map(([[left, right], operator, [more, most]]): [string, string] =>
						operator.includes("=")
							? [`(${left}) ${operator} (${more})`, `(${right}) ${operator}= (${most})`]
							: [`(${left} ${operator} ${more})`, `!!((${right}) ${operator} (${most}))`],
					),
				tie("expression").map(([ours, theirs]): [string, string] => [`!(${ours})`, `!(${theirs})`]),
			),
		}));
		fc.assert(
			fc.property(expression, ([ours, theirs]) => {
				expect(held(ours)).toBe(Boolean(new Function(`return ${theirs}`)()));
			}),
			{ numRuns: 500 },
		);
	});
});

test("thousands of terms are no depth", () => {
	const terms = Array.from({ length: 2000 }, (_, index) => `params.p${index} == ${index}`);
	const params = Object.fromEntries(terms.map((_, index) => [`p${index}`, index]));
	expect(held(terms.join(" && "), { params })).toBe(true);
});
