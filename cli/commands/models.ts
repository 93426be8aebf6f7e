/** `runmesh models`: the registry's models and their versions. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";

export const registerModels = (program: Command, context: ContextProvider): void => {
	const models = program
		.command("models")
		.description("list and show models and their versions")
		.addHelpText("after", "\nExamples:\n  $ runmesh models ls\n  $ runmesh models show digits");

	models
		.command("ls")
		.description("list models")
		.addHelpText("after", "\nExamples:\n  $ runmesh models ls")
		.action(async () => {
			const cli = await context();
			const [{ print }, { modelsView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/models-view.ts"),
			]);
			await print(cli, await cli.client().models(), modelsView);
		});

	models
		.command("show")
		.description("show a model's versions, where each came from and what it measured")
		.argument("<model>", "name")
		.addHelpText("after", "\nExamples:\n  $ runmesh models show digits\n  $ runmesh models show digits -o json")
		.action(async (model: string) => {
			const cli = await context();
			const [{ print }, { modelView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/models-view.ts"),
			]);
			await print(cli, await cli.client().model(model), modelView);
		});
};
