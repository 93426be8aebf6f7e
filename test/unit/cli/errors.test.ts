import { expect, test } from "vitest";
import { formatProblem, renderError } from "#cli/output/errors.ts";
import { createStyle } from "#cli/output/style.ts";
import { RunmeshError } from "#shared/errors.ts";

const plain = createStyle(false);
const problem = {
	file: "p.yaml",
	line: 3,
	column: 5,
	path: "steps.train",
	message: "unknown key `ned`",
	hint: "did you mean `needs`?",
};

test("a problem is one line that editors can jump to", () => {
	expect(formatProblem(problem)).toBe("p.yaml:3:5  steps.train: unknown key `ned` — did you mean `needs`?");
	expect(formatProblem({ ...problem, path: "", hint: "" })).toBe("p.yaml:3:5  unknown key `ned`");
});

test("people get the message, each problem and the hint", () => {
	const error = new RunmeshError("RM_PIPELINE_INVALID", "p.yaml has an error", { details: [problem], hint: "mend it" });
	expect(renderError(error, "human", plain)).toEqual({
		text: [
			"error: p.yaml has an error",
			"  p.yaml:3:5  steps.train: unknown key `ned` — did you mean `needs`?",
			"hint: mend it",
			"",
		].join("\n"),
		exitCode: 2,
	});
});

test("programs get one object", () => {
	const error = new RunmeshError("RM_PIPELINE_INVALID", "bad", { details: [problem] });
	const { text, exitCode } = renderError(error, "json", plain);
	expect(JSON.parse(text)).toEqual({
		error: { code: "RM_PIPELINE_INVALID", message: "bad", hint: "", problems: [problem] },
	});
	expect(text.trimEnd()).not.toContain("\n");
	expect(exitCode).toBe(2);
});

test("an error's words can't move the cursor or add lines", () => {
	const { text } = renderError(new RunmeshError("RM_NOT_FOUND", "a\u001b[2J\nerror: forged"), "human", plain);
	expect(text).toBe("error: a\\x1b[2J error: forged\n");
});

test("what nobody foresaw is a defect, with its stack for the report", () => {
	const { text, exitCode } = renderError(new TypeError("x is undefined"), "human", plain);
	expect(exitCode).toBe(70);
	expect(text).toContain("error: x is undefined\n");
	expect(text).toContain("errors.test.ts");
});
