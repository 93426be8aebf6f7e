/** `runmesh plan`: what a run would be and where its steps would go, without starting any. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";
import { collectParam } from "../lib/params.ts";

const EXAMPLES = `
Examples:
  $ runmesh plan pipeline.yaml
  $ runmesh plan pipeline.yaml -p epochs=10 -o json

Errors of the file are told without a mesh; the placement needs one.`;

export const registerPlan = (program: Command, context: ContextProvider): void => {
	program
		.command("plan")
		.description("show the steps of a pipeline and the agent each would get, or why none")
		.argument("<file>", "pipeline file")
		.option("-p, --param <key=value>", "value of a parameter; repeatable", collectParam)
		.addHelpText("after", EXAMPLES)
		.action(async (file: string, options: { param?: Record<string, string> }) => {
			const cli = await context();
			const [{ planPipeline }, { print }, { planView }] = await Promise.all([
				import("../lib/submit.ts"),
				import("../output/print.ts"),
				import("../output/plan-view.ts"),
			]);
			await print(cli, await planPipeline(cli.client(), file, options.param ?? {}), planView);
		});
};
