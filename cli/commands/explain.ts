/** `runmesh explain`: why a run, a step or an attempt is as it is. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";
import { parseFromOne } from "../lib/whole-number.ts";

const EXAMPLES = `
Examples:
  $ runmesh explain
  $ runmesh explain latest train.3
  $ runmesh explain r01jx train --attempt 2 -o json

Tells what it waits for and since when, why it was tried again, why its result was taken from the cache or not, why it
was skipped or cancelled, and what to do about it.`;

export const registerExplain = (program: Command, context: ContextProvider): void => {
	program
		.command("explain")
		.description("say why a run, a step or an attempt is as it is")
		.argument("[run]", 'id, the beginning of one, or "latest"', "latest")
		.argument("[step]", "step key")
		.option("--attempt <number>", "one attempt of the step", parseFromOne)
		.addHelpText("after", EXAMPLES)
		.action(async (run: string, step: string | undefined, { attempt }: { attempt?: number }) => {
			const cli = await context();
			const [{ print }, { explainView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/explain-view.ts"),
			]);
			await print(cli, await cli.client().explain(run, step, attempt), explainView);
		});
};
