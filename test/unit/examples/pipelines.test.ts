import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readPipelineFile } from "#cli/lib/pipeline-file.ts";
import { expandSteps, isDynamic } from "#shared/pipeline/expand.ts";

const examples = fileURLToPath(new URL("../../../examples/", import.meta.url));
const files = globSync("*/pipeline.yaml", { cwd: examples });

const read = async (file: string) => (await readPipelineFile(join(examples, file), {})).definition;

describe("the example pipelines", () => {
	it.each(files)("%s has no problem, and its programs are there", async (file) => {
		const { steps } = await read(file);
		for (const { action } of steps) {
			const program = action.kind === "command" ? /^node (\S+)/.exec(action.command)?.[1] : undefined;
			if (program) expect(existsSync(join(examples, dirname(file), program))).toBe(true);
		}
	});

	it("are these", () => {
		const folders = ["digits", "hello", "nightly", "search"];
		expect(files.toSorted()).toEqual(folders.map((folder) => `${folder}/pipeline.yaml`));
	});

	it("search draws its trials while it runs, and has its rows from the cache", async () => {
		const { steps } = await read("search/pipeline.yaml");
		expect(steps.filter(isDynamic).map(({ name }) => name)).toEqual(["trial"]);
		expect(steps.flatMap(({ name, cache }) => (cache ? [name] : []))).toEqual(["rows"]);
	});

	it("nightly measures by another file, asks a person and tells of failures", async () => {
		const { steps, concurrency } = await read("nightly/pipeline.yaml");
		expect(concurrency).toMatchObject({ cancelInProgress: true });
		const kinds = Object.fromEntries(steps.map(({ name, action, phase }) => [name, `${phase} ${action.kind}`]));
		expect(kinds).toMatchObject({
			"measure.judge": "main command",
			measure: "main collect",
			ask: "main approve",
			tell: "onFailure command",
		});
	});

	it("digits trains without seeing what is held out", async () => {
		const digits = await read("digits/pipeline.yaml");
		expect(expandSteps(digits).filter(({ key }) => key.startsWith("train."))).toHaveLength(4);
		const step = (name: string) => digits.steps.find((candidate) => candidate.name === name) ?? expect.fail(name);
		expect(step("train").inputs).toEqual({ dataset: { step: "prepare", output: "dataset" } });
		expect(step("validate").inputs.test).toEqual({ step: "prepare", output: "test" });
		expect(step("validate").gates.map(({ metric }) => metric)).toContain("accuracy");
	});
});
