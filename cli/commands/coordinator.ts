/** `runmesh coordinator start`: a coordinator alone, in the foreground, on an existing NATS. */

import { type Command, Option } from "commander";
import type { ContextProvider } from "../context.ts";
import { parsePort } from "../up/flags.ts";

interface StartOptions {
	nats: string;
	host: string;
	httpPort: number;
	grpcPort: number;
}

const EXAMPLES = `
Examples:
  $ runmesh coordinator start --nats nats://nats.lab:4222
  $ runmesh coordinator start --nats nats://nats.lab:4222 --host 0.0.0.0 --home /srv/runmesh

Several on one NATS take turns: one leads, the others stand by. \`runmesh up\` starts one with all it needs.
What follows -- goes to the process as it is.`;

export const registerCoordinator = (program: Command, context: ContextProvider): void => {
	program
		.command("coordinator")
		.description("run a coordinator by itself")
		.command("start")
		.description("run a coordinator in the foreground")
		.addOption(new Option("--nats <url>", "NATS to work on").env("RUNMESH_NATS").makeOptionMandatory())
		.addOption(new Option("--host <host>", "address to listen on").env("RUNMESH_HOST").default("127.0.0.1"))
		.addOption(
			new Option("--http-port <port>", "the API; 0 takes any free port")
				.env("RUNMESH_HTTP_PORT")
				.argParser((text) => parsePort("--http-port", text))
				.default(7400),
		)
		.addOption(
			new Option("--grpc-port <port>", "gRPC for agents; 0 takes any free port")
				.env("RUNMESH_GRPC_PORT")
				.argParser((text) => parsePort("--grpc-port", text))
				.default(7401),
		)
		.argument("[more...]", "options of the coordinator process")
		.addHelpText("after", EXAMPLES)
		.action(async (more: string[], { nats, host, httpPort, grpcPort }: StartOptions) => {
			const { home } = await context();
			const [{ runNode }, { nodePrograms }] = await Promise.all([
				import("../up/run-node.ts"),
				import("../up/programs.ts"),
			]);
			const args = ["--home", home.root, "--nats", nats, "--host", host];
			args.push("--http-port", String(httpPort), "--grpc-port", String(grpcPort), ...more);
			process.exitCode = await runNode(home, nodePrograms.coordinator, args);
		});
};
