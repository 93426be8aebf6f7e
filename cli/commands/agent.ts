/** `runmesh agent start`: an agent alone, in the foreground, that joins a mesh elsewhere. */

import { type Command, Option } from "commander";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import type { ContextProvider } from "../context.ts";
import { parsePort } from "../up/flags.ts";

interface StartOptions {
	nats: string;
	coordinator: string;
	name?: string;
	host: string;
	advertise?: string;
	grpcPort: number;
	servingPort: number;
}

const EXAMPLES = `
Examples:
  $ runmesh agent start --nats nats://lab-1:4222 --coordinator lab-1:7401 --name gpu-7

The mesh's credentials come from RUNMESH_TOKEN, RUNMESH_INFERENCE_TOKEN, RUNMESH_MESH_TOKEN, RUNMESH_NATS_USER
and RUNMESH_NATS_PASSWORD, or from credentials.json in this home. What follows -- goes to the process as it is.`;

const portOption = (flag: string, variable: string, port: number, what: string): Option =>
	new Option(`${flag} <port>`, `${what}; 0 takes any free port`)
		.env(variable)
		.argParser((text) => parsePort(flag, text))
		.default(port);

export const registerAgent = (program: Command, context: ContextProvider): void => {
	program
		.command("agent")
		.description("run an agent by itself")
		.command("start")
		.description("run an agent in the foreground")
		.addOption(new Option("--nats <url>", "NATS of the mesh").env("RUNMESH_NATS").makeOptionMandatory())
		.addOption(
			new Option("--coordinator <host:port>", "gRPC of the coordinator")
				.env("RUNMESH_COORDINATOR")
				.makeOptionMandatory(),
		)
		.option("--name <name>", "name of the agent (default: this host's with four characters, kept with the home)")
		.addOption(new Option("--host <host>", "address to listen on").env("RUNMESH_HOST").default("127.0.0.1"))
		.addOption(
			new Option(
				"--advertise <host>",
				"address that others reach it at (default: that of --host; this host's name where that is every address)",
			).env("RUNMESH_ADVERTISE"),
		)
		.addOption(portOption("--grpc-port", "RUNMESH_AGENT_GRPC_PORT", 7402, "gRPC for other agents"))
		.addOption(portOption("--serving-port", "RUNMESH_SERVING_PORT", 8000, "inference"))
		.argument("[more...]", "options of the agent process")
		.addHelpText("after", EXAMPLES)
		.action(async (more: string[], options: StartOptions) => {
			const { home } = await context();
			const [{ runNode }, { nodePrograms }] = await Promise.all([
				import("../up/run-node.ts"),
				import("../up/programs.ts"),
			]);
			const { name, nats, coordinator, host, advertise, grpcPort, servingPort } = options;
			if (name !== undefined && !isName(name)) {
				throw new RunmeshError("RM_BAD_INPUT", `--name ${name} is no name for an agent`, {
					hint: "up to 63 letters, digits, - and _, beginning with a letter or digit",
				});
			}
			const args = ["--home", home.root, "--nats", nats, "--coordinator", coordinator, "--host", host];
			if (name !== undefined) args.push("--name", name);
			if (advertise !== undefined) args.push("--advertise", advertise);
			args.push("--grpc-port", String(grpcPort), "--serving-port", String(servingPort), ...more);
			process.exitCode = await runNode(home, nodePrograms.agent, args);
		});
};
