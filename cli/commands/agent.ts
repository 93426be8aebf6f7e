/** `runmesh agent …`: an agent alone on this machine, as a part of a mesh elsewhere. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";
import { agentArguments, withAgentFlags } from "../lib/agent-flags.ts";
import { registerInstall, registerUninstall } from "./agent-install.ts";
import { registerJoin } from "./agent-join.ts";

const START_EXAMPLES = `
Examples:
  $ runmesh agent start                        in a home that has joined a mesh
  $ runmesh agent start --cpu 6 --memory 24Gi --labels zone=lab
  $ runmesh agent start --once                 one task, for an allocation of a batch system
  $ runmesh agent start --nats nats://lab-1:4222 --coordinator lab-1:7401 --name gpu-7

What is not given comes from the environment, then from agent.json in the home, where every flag can be set by its name.
The mesh's credentials come from RUNMESH_TOKEN, RUNMESH_INFERENCE_TOKEN, RUNMESH_MESH_TOKEN, RUNMESH_NATS_USER
and RUNMESH_NATS_PASSWORD, or from credentials.json in this home.`;

export const registerAgent = (program: Command, context: ContextProvider): void => {
	const agent = program
		.command("agent")
		.description("make this machine a part of a mesh elsewhere")
		.addHelpText("after", "\nExamples:\n  $ runmesh agent join http://lab-1:7400 --token TOKEN");
	registerJoin(agent, context);
	withAgentFlags(agent.command("start").description("run an agent in the foreground"))
		.addHelpText("after", START_EXAMPLES)
		.action(async (flags: Record<string, unknown>) => {
			const { home } = await context();
			const { startAgentHere } = await import("../join/start.ts");
			process.exitCode = await startAgentHere(home, agentArguments(flags));
		});
	registerInstall(agent, context);
	registerUninstall(agent, context);
};
