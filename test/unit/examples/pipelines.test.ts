import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expandSteps } from "#shared/pipeline/expand.ts";
import { parsePipeline } from "#shared/pipeline/parse.ts";

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));
const files = globSync("*/pipeline.yaml", { cwd: examples });

const read = (file: string) => parsePipeline(readFileSync(join(examples, file), "utf8"), file);

describe("the example pipelines", () => {
	it.each(files)("%s has no problem, and its programs are there", (file) => {
		const { definition, problems } = read(file);
		expect(problems).toEqual([]);
		for (const { action } of definition?.steps ?? []) {
			const program = action.kind === "command" ? /^node (\S+)$/.exec(action.command)?.[1] : undefined;
			if (program) expect(existsSync(join(examples, dirname(file), program))).toBe(true);
		}
	});

	it("are hello and digits, whose training can't see what is held out", () => {
		expect(files.toSorted()).toEqual(["digits/pipeline.yaml", "hello/pipeline.yaml"]);
		const digits = read("digits/pipeline.yaml").definition ?? expect.fail("no definition");
		expect(expandSteps(digits).filter(({ key }) => key.startsWith("train."))).toHaveLength(4);
		const step = (name: string) => digits.steps.find((candidate) => candidate.name === name) ?? expect.fail(name);
		expect(step("train").inputs).toEqual({ dataset: { step: "prepare", output: "dataset" } });
		expect(step("validate").inputs.test).toEqual({ step: "prepare", output: "test" });
		expect(step("validate").gates.map(({ metric }) => metric)).toContain("accuracy");
	});
});
