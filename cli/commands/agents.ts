/** `runmesh agents`: the machines of the mesh. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";

export const registerAgents = (program: Command, context: ContextProvider): void => {
	const agents = program
		.command("agents")
		.description("list and show the machines of the mesh")
		.addHelpText("after", "\nExamples:\n  $ runmesh agents ls\n  $ runmesh agents show lab-1");

	agents
		.command("ls")
		.description("list agents with what they have free")
		.addHelpText("after", "\nExamples:\n  $ runmesh agents ls\n  $ runmesh agents ls -o json")
		.action(async () => {
			const cli = await context();
			const [{ print }, { agentsView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/agents-view.ts"),
			]);
			await print(cli, await cli.client().agents(), agentsView);
		});

	agents
		.command("show")
		.description("show an agent's hardware, runtimes, work and models")
		.argument("<agent>", "id")
		.addHelpText("after", "\nExamples:\n  $ runmesh agents show lab-1")
		.action(async (agent: string) => {
			const cli = await context();
			const [{ print }, { agentView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/agents-view.ts"),
			]);
			await print(cli, await cli.client().agent(agent), agentView);
		});
};
