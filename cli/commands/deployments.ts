/** `runmesh deployments`: what should be served, and where it is. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";

export const registerDeployments = (program: Command, context: ContextProvider): void => {
	program
		.command("deployments")
		.description("show what is served and where")
		.addHelpText("after", "\nExamples:\n  $ runmesh deployments ls")
		.command("ls")
		.description("list deployments with their replicas")
		.addHelpText("after", "\nExamples:\n  $ runmesh deployments ls\n  $ runmesh deployments ls -o json")
		.action(async () => {
			const cli = await context();
			const [{ print }, { deploymentsView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/models-view.ts"),
			]);
			await print(cli, await cli.client().deployments(), deploymentsView);
		});
};
