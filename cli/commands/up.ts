/** `runmesh up` and `runmesh down`: a mesh on this machine, in the foreground or behind. */

import { type Command, Option } from "commander";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import type { CliContext, ContextProvider } from "../context.ts";
import type { DetachedRequest } from "../up/detach.ts";
import { MAX_LOCAL_AGENTS, parsePort, parseWhole } from "../up/flags.ts";
import type { MeshSummary } from "../up/summary.ts";

interface UpOptions {
	host?: string;
	httpPort?: number;
	grpcPort?: number;
	natsPort?: number;
	agentGrpcPort?: number;
	servingPort?: number;
	nats?: string;
	agents?: number;
	name?: string;
	detach?: true;
}

const EXAMPLES = `
Examples:
  $ runmesh up                                 in the foreground; Ctrl-C stops it
  $ runmesh up --detach                        in the background; runmesh down stops it
  $ runmesh up --agents 0                      the coordinator alone, for agents elsewhere
  $ runmesh up --http-port 0 --home /tmp/try   a second mesh, on any free port
  $ runmesh up --nats nats://nats.lab:4222     on an existing NATS (RUNMESH_NATS_USER, RUNMESH_NATS_PASSWORD)

Port 0 takes any free port. Everything the mesh keeps is in its home folder, and outlives every restart.`;

const portOption = (flag: string, variable: string, port: number, what: string): Option =>
	new Option(`${flag} <port>`, `${what} (default: ${port})`).env(variable).argParser((text) => parsePort(flag, text));

export const registerUp = (program: Command, context: ContextProvider): void => {
	program
		.command("up")
		.description("start a mesh on this machine: coordinator, agent and nats-server")
		.addOption(new Option("--host <host>", "address to listen on (default: 127.0.0.1)").env("RUNMESH_HOST"))
		.addOption(portOption("--http-port", "RUNMESH_HTTP_PORT", 7400, "the API"))
		.addOption(portOption("--grpc-port", "RUNMESH_GRPC_PORT", 7401, "coordinator's gRPC"))
		.addOption(portOption("--nats-port", "RUNMESH_NATS_PORT", 4222, "nats-server"))
		.addOption(portOption("--agent-grpc-port", "RUNMESH_AGENT_GRPC_PORT", 7402, "first agent's gRPC"))
		.addOption(portOption("--serving-port", "RUNMESH_SERVING_PORT", 8000, "first agent's inference"))
		.addOption(new Option("--nats <url>", "use this NATS instead of starting a nats-server").env("RUNMESH_NATS"))
		.option("--agents <count>", "agents to run here (default: 1)", (text) =>
			parseWhole("--agents", text, 0, MAX_LOCAL_AGENTS),
		)
		.option("--name <name>", "name of the first agent (default: this host's)")
		.option("--detach", "run in the background, return when ready")
		.addHelpText("after", EXAMPLES)
		.action(async (options: UpOptions) => {
			const cli = await context();
			const request = toRequest(options);
			if (options.detach) {
				const { startDetached } = await import("../up/detach.ts");
				await printReady(cli, await startDetached(cli.home, request), true);
			} else {
				const { runForeground } = await import("../up/foreground.ts");
				await runForeground(
					{ ...request, home: cli.home },
					{
						ready: (summary) => void printReady(cli, summary, false),
						news: (text) => void cli.stderr.write(`${text}\n`),
					},
				);
			}
		});
};

export const registerDown = (program: Command, context: ContextProvider): void => {
	program
		.command("down")
		.description("stop the mesh of this home; what it keeps stays")
		.addHelpText("after", "\nExamples:\n  $ runmesh down")
		.action(async () => {
			const cli = await context();
			const { stopMesh } = await import("../up/down.ts");
			const ended = await stopMesh(cli.home);
			const { print } = await import("../output/print.ts");
			await print(cli, { home: cli.home.root, ended }, () =>
				ended.length === 0 ? [`no mesh runs on ${cli.home.root}`] : ended.map((what) => `stopped ${what}`),
			);
		});
};

/** Only what was said: the defaults are the mesh's own. */
const toRequest = ({ detach: _, name, nats, ...rest }: UpOptions): DetachedRequest => {
	if (name !== undefined && !(isName(name) && name.length <= 48)) {
		throw new RunmeshError("RM_BAD_INPUT", `--name ${name} is no name for an agent`, {
			hint: "up to 48 letters, digits, - and _, beginning with a letter or digit",
		});
	}
	if (nats !== undefined && !URL.canParse(nats)) {
		throw new RunmeshError("RM_BAD_INPUT", `--nats ${nats} is not a URL`, { hint: "for example nats://nats.lab:4222" });
	}
	return { ...rest, ...(name === undefined ? {} : { agentName: name }), ...(nats === undefined ? {} : { nats }) };
};

const printReady = async (cli: CliContext, summary: MeshSummary, detached: boolean): Promise<void> => {
	const { describeMesh } = await import("../up/summary.ts");
	// One line: whoever reads it from a process that stays knows when it is whole.
	cli.stdout.write(cli.output === "json" ? `${JSON.stringify(summary)}\n` : describeMesh(summary, detached));
};
