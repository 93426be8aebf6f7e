/** `runmesh infer`: ask a served model. */

import { type Command, InvalidArgumentError } from "commander";
import type { ContextProvider } from "../context.ts";
import type { InferOptions } from "../lib/infer.ts";
import { parseFromOne } from "../lib/whole-number.ts";

const EXAMPLES = `
Examples:
  $ runmesh infer digits --input image=@digit.json
  $ runmesh infer iris --input x=[5.1,3.5,1.4,0.2] --version 2
  $ runmesh infer digits --json request.json -o json

Values are JSON: flat lists or nested ones; types and missing dimensions come from the model. --json takes an
object of inputs by name, or a V2 inference request.`;

const collectInput = (text: string, inputs: Record<string, string> = {}): Record<string, string> => {
	const equals = text.indexOf("=");
	if (equals < 1) throw new InvalidArgumentError("Expected name=[1,2,…] or name=@file.json.");
	return { ...inputs, [text.slice(0, equals)]: text.slice(equals + 1) };
};

export const registerInfer = (program: Command, context: ContextProvider): void => {
	program
		.command("infer")
		.description("ask a served model")
		.argument("<model>", "name of a deployed model")
		.option("--input <name=value>", "an input, as JSON or @file.json; repeatable", collectInput)
		.option("--json <file>", "all inputs in one JSON file")
		.option("--version <number>", "this version (default: the one that is served)", parseFromOne)
		.addHelpText("after", EXAMPLES)
		.action(async (model: string, options: InferOptions) => {
			const cli = await context();
			const { infer } = await import("../lib/infer.ts");
			await infer(cli, model, options);
		});
};
