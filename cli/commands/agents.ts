/** `runmesh agents`: the machines of the mesh, and what a person decides of them. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "#shared/pipeline/units.ts";
import type { ContextProvider } from "../context.ts";

export const registerAgents = (program: Command, context: ContextProvider): void => {
	const agents = program
		.command("agents")
		.description("list, show, cordon and drain the machines of the mesh")
		.addHelpText(
			"after",
			"\nExamples:\n  $ runmesh agents ls\n  $ runmesh agents show lab-1\n  $ runmesh agents drain lab-1 --leave",
		);
	registerCordon(agents, context);
	registerUncordon(agents, context);
	registerDrain(agents, context);
	registerForget(agents, context);

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

const CORDON_EXAMPLES = `
Examples:
  $ runmesh agents cordon lab-1 --reason "disk swap"

What runs there goes on, and so does what it serves.`;

const registerCordon = (agents: Command, context: ContextProvider): void => {
	agents
		.command("cordon")
		.description("give an agent nothing new")
		.argument("<agent>", "id or name")
		.option("--reason <text>", "shown with the agent", "")
		.addHelpText("after", CORDON_EXAMPLES)
		.action(async (agent: string, { reason }: { reason: string }) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			const cordoned = await cli.client().cordonAgent(agent, { reason });
			await print(cli, cordoned, ({ id }) => [`${id} takes nothing new`]);
		});
};

const registerUncordon = (agents: Command, context: ContextProvider): void => {
	agents
		.command("uncordon")
		.description("give an agent work again, after cordon or drain")
		.argument("<agent>", "id or name")
		.addHelpText("after", "\nExamples:\n  $ runmesh agents uncordon lab-1")
		.action(async (agent: string) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			const { escapeControls } = await import("../output/text.ts");
			const opened = await cli.client().uncordonAgent(agent);
			await print(cli, opened, ({ id, closed }) => [
				closed === "" ? `${id} takes work again` : `${id} may take work again; now it is ${escapeControls(closed)}`,
			]);
		});
};

const DRAIN_EXAMPLES = `
Examples:
  $ runmesh agents drain lab-1
  $ runmesh agents drain lab-1 --leave --reason "goes to room b14"
  $ runmesh agents drain lab-1 --timeout 10m

It is given nothing new; what runs there goes on to its end, and models that it serves are served by other agents first,
where there are any. Ctrl-C ends the waiting alone; \`runmesh agents uncordon\` calls it off.`;

interface DrainFlags {
	reason: string;
	leave?: boolean;
	wait: boolean;
	timeout: number;
}

const parseTimeout = (text: string): number => {
	const ms = parseDuration(text);
	if (ms === null) throw new InvalidArgumentError("Expected a duration, such as 1h.");
	return ms;
};

const HOUR_MS = 3_600_000;

const registerDrain = (agents: Command, context: ContextProvider): void => {
	agents
		.command("drain")
		.description("give an agent nothing new, and wait until all that runs there has ended")
		.argument("<agent>", "id or name")
		.option("--reason <text>", "shown with the agent", "")
		.option("--leave", "the agent ends itself then")
		.option("--no-wait", "return at once")
		.addOption(
			new Option("--timeout <duration>", "wait so long at most").argParser(parseTimeout).default(HOUR_MS, "1h"),
		)
		.addHelpText("after", DRAIN_EXAMPLES)
		.action(async (agent: string, { reason, leave = false, wait, timeout }: DrainFlags) => {
			const cli = await context();
			const [{ print, write }, { waitDrained }, { escapeControls }, { EXIT_INTERRUPTED }] = await Promise.all([
				import("../output/print.ts"),
				import("../lib/drain.ts"),
				import("../output/text.ts"),
				import("../lib/follow.ts"),
			]);
			const client = cli.client();
			const draining = await client.drainAgent(agent, { reason, leave });
			const { id } = draining;
			if (!wait) return print(cli, draining, () => [`${id} drains`]);
			const interrupted = new AbortController();
			const onInterrupt = (): void => interrupted.abort();
			process.once("SIGINT", onInterrupt);
			const note = (text: string): void => void write(cli.stderr, `${escapeControls(text)}\n`);
			try {
				const drained = await waitDrained(client, draining, { timeoutMs: timeout, signal: interrupted.signal, note });
				if (drained)
					await print(cli, drained, () => [
						`${id} is drained${leave ? ", and leaves once no run needs what lies there" : ""}`,
					]);
				else {
					note(`${id} goes on draining`);
					process.exitCode = EXIT_INTERRUPTED;
				}
			} finally {
				process.off("SIGINT", onInterrupt);
			}
		});
};

const FORGET_EXAMPLES = `
Examples:
  $ runmesh agents rm lab-1

Only an agent that is lost can be removed; one that comes back is there again.`;

const registerForget = (agents: Command, context: ContextProvider): void => {
	agents
		.command("rm")
		.description("forget an agent that is lost")
		.argument("<agent>", "id or name")
		.addHelpText("after", FORGET_EXAMPLES)
		.action(async (agent: string) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			await cli.client().forgetAgent(agent);
			await print(cli, { agent, removed: true }, () => [`${agent} is forgotten`]);
		});
};
