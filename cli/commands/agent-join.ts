/** `runmesh agent join`: this machine becomes a part of a mesh, by its address and a one-time token. */

import type { Command } from "commander";
import { RunmeshError } from "#shared/errors.ts";
import type { CliContext, ContextProvider, GlobalOptions } from "../context.ts";
import type { JoinedHome } from "../join/join.ts";
import { agentFileValues, lifeArguments, withAgentFlags } from "../lib/agent-flags.ts";

interface JoinFlags extends Record<string, unknown> {
	force?: true;
	start: boolean;
	install?: true;
}

const EXAMPLES = `
Examples:
  $ runmesh agent join http://lab-1:7400 --token TOKEN
  $ runmesh agent join lab-1 --token TOKEN --name gpu-7 --labels zone=lab --cpu 6 --install
  $ echo TOKEN | runmesh agent join lab-1 --token - --no-start
  $ RUNMESH_JOIN_TOKEN=TOKEN runmesh agent join lab-1 --once --home "$TMPDIR/runmesh"

\`runmesh token create\` on a machine of the mesh makes a TOKEN and prints this line. Here, --token is that one; it comes
from RUNMESH_JOIN_TOKEN too, and with - from standard input, so that no list of processes shows it. The agent's flags go
to agent.json in the home, those of how long it stays to this start. Everything dials out from here; no root is needed.`;

export const registerJoin = (agent: Command, context: ContextProvider): void => {
	const command = agent
		.command("join")
		.description("join a mesh with a token, and start this machine's agent")
		.argument("<url>", "of the mesh's coordinator, such as http://lab-1:7400")
		.option("--no-start", "join alone; `runmesh agent start` starts the agent later")
		.option("--install", "install the agent as a service instead of starting it here")
		.option("--force", "leave the mesh that this home belongs to");
	withAgentFlags(command)
		.addHelpText("after", EXAMPLES)
		.action(async (given: string, flags: JoinFlags) => {
			const cli = await context();
			const [{ joinMesh }, { coordinatorUrl }, { readJoinToken }, { print }] = await Promise.all([
				import("../join/join.ts"),
				import("../join/addresses.ts"),
				import("../join/token.ts"),
				import("../output/print.ts"),
			]);
			// The program takes --token for itself, wherever it stands.
			const { token } = command.optsWithGlobals<GlobalOptions>();
			const url = coordinatorUrl(given);
			const joined = await joinMesh({
				...{ home: cli.home, url, token: await readJoinToken(token, process.env, process.stdin) },
				...{ flags: agentFileValues(flags), force: flags.force ?? false },
			});
			const starts = flags.start && joined.problems.length === 0;
			await print(cli, { ...joined, starts: starts && !flags.install }, describe);
			refuseUnreachable(joined);
			if (!starts) return;
			await goOn(cli, flags);
		});
};

const goOn = async (cli: CliContext, flags: JoinFlags): Promise<void> => {
	if (flags.install) {
		const { installAgent, describeInstalled } = await import("../service/install.ts");
		const installed = await installAgent({ home: cli.home, args: lifeArguments(flags), system: false, user: null });
		cli.stderr.write(`${describeInstalled(installed).join("\n")}\n`);
		return;
	}
	const { startAgentHere } = await import("../join/start.ts");
	process.exitCode = await startAgentHere(cli.home, lifeArguments(flags));
};

const describe = ({ home, url, host, agentFile }: JoinedHome): string[] => [
	`${home} has joined the mesh at ${url}`,
	`its agent listens on ${host}; ${agentFile} says what it offers`,
];

/** It has joined: with the token used up, what is wrong can be mended without another. */
const refuseUnreachable = ({ problems }: JoinedHome): void => {
	const [first, ...others] = problems;
	if (!first) return;
	const more = others.map(({ what }) => `; ${what}`).join("");
	throw new RunmeshError("RM_UNAVAILABLE", `joined, but ${first.what}${more}`, {
		hint: `${first.hint}; then \`runmesh agent start\` here`,
	});
};
