/** `runmesh agent install` and `uninstall`: the agent as a service of this user, or of the machine. */

import type { Command } from "commander";
import { RunmeshError } from "#shared/errors.ts";
import { resolveHome } from "#shared/home.ts";
import type { CliContext, ContextProvider, GlobalOptions } from "../context.ts";
import type { SpecRequest } from "../service/spec.ts";

interface InstallOptions {
	system?: boolean;
	user?: string;
	print?: boolean;
}

const INSTALL_EXAMPLES = `
Examples:
  $ runmesh agent install                          as a service of yours; no root is needed
  $ runmesh agent install --print                  only show what would be installed
  $ sudo runmesh agent install --system --user ml  for the whole machine, in the home of ml

With systemd it is a unit (~/.config/systemd/user), with launchd a job (~/Library/LaunchAgents), on Windows a file for
the Task Scheduler. What the agent offers stands in agent.json in the home. Steps outlive a restart of the service.`;

export const registerInstall = (agent: Command, context: ContextProvider): void => {
	const command = agent
		.command("install")
		.description("keep the agent of this home running, as a service")
		.option("--system", "of the whole machine; needs root")
		.option("--user <name>", "whom it runs as, with --system (default: the owner of the home)")
		.option("--print", "print the service's file, and install nothing")
		.addHelpText("after", INSTALL_EXAMPLES)
		.action(async ({ system = false, user, print: shows }: InstallOptions) => {
			const cli = await context();
			if (user !== undefined && !system) {
				throw new RunmeshError("RM_BAD_INPUT", "--user is for a service of the whole machine", {
					hint: "add --system, or leave it out: a service of yours runs as you",
				});
			}
			const { folderOfUser } = await import("../service/user.ts");
			const named = command.optsWithGlobals<GlobalOptions>().home ?? process.env.RUNMESH_HOME;
			const theirs = user === undefined || named ? null : folderOfUser(user);
			const home = theirs ? resolveHome(`${theirs}/.runmesh`) : cli.home;
			const request = { home, args: [], system, user: user ?? null };
			if (shows) return printFile(cli, request);
			const [{ installAgent, describeInstalled }, { print }] = await Promise.all([
				import("../service/install.ts"),
				import("../output/print.ts"),
			]);
			await print(cli, await installAgent(request), describeInstalled);
		});
};

const printFile = async (cli: CliContext, request: SpecRequest): Promise<void> => {
	const [{ serviceFile }, { print }] = await Promise.all([import("../service/file.ts"), import("../output/print.ts")]);
	const file = await serviceFile(request, process.env, process.platform);
	await print(cli, file, ({ text }) => [text.trimEnd()]);
	if (cli.output === "human") cli.stderr.write([`to ${file.path}`, ...file.commands, ""].join("\n"));
};

interface UninstallOptions {
	system?: boolean;
	force?: boolean;
	purge?: boolean;
}

const UNINSTALL_EXAMPLES = `
Examples:
  $ runmesh agent uninstall
  $ runmesh agent uninstall --purge       and remove the home

It refuses while attempts run: \`runmesh agents drain\` first. With --force they run on, and nobody takes their outcome.`;

export const registerUninstall = (agent: Command, context: ContextProvider): void => {
	agent
		.command("uninstall")
		.description("stop the service of this home's agent, and remove it; the home stays")
		.option("--system", "the one of the whole machine; needs root")
		.option("--force", "though attempts run here")
		.option("--purge", "remove the home too, with what steps left on this machine alone")
		.addHelpText("after", UNINSTALL_EXAMPLES)
		.action(async ({ system = false, force = false, purge = false }: UninstallOptions) => {
			const cli = await context();
			const [{ uninstallAgent }, { print }] = await Promise.all([
				import("../service/uninstall.ts"),
				import("../output/print.ts"),
			]);
			const done = await uninstallAgent({ home: cli.home, system, force, purge });
			await print(cli, done, ({ removed, purged, home, attempts }) => [
				removed ? "the service is removed" : "there was no service",
				...(attempts.length > 0 ? [`without their agent run on: ${attempts.join(", ")}`] : []),
				purged ? `${home} is removed` : `${home} stays; \`runmesh agent start\` starts its agent by hand`,
			]);
		});
};
