/** `runmesh artifacts`: what the steps of a run left behind. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";

export const registerArtifacts = (program: Command, context: ContextProvider): void => {
	const artifacts = program
		.command("artifacts")
		.description("list and download the outputs of a run")
		.addHelpText("after", "\nExamples:\n  $ runmesh artifacts ls latest\n  $ runmesh artifacts get latest train.model");

	artifacts
		.command("ls")
		.description("list a run's artifacts")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.addHelpText("after", "\nExamples:\n  $ runmesh artifacts ls latest")
		.action(async (run: string) => {
			const cli = await context();
			const [{ print }, { artifactsView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/artifacts-view.ts"),
			]);
			await print(cli, await cli.client().artifacts(run), artifactsView);
		});

	artifacts
		.command("get")
		.description("download an artifact, every file checked by its digest")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.argument("<step.output>", "as `artifacts ls` names it")
		.option("-d, --dir <dir>", "folder to put it in", ".")
		.addHelpText(
			"after",
			"\nExamples:\n  $ runmesh artifacts get latest train.model\n  $ runmesh artifacts get latest prepare.dataset -d data",
		)
		.action(async (run: string, name: string, { dir }: { dir: string }) => {
			const cli = await context();
			const [{ print }, { downloadArtifact }, { downloadView }] = await Promise.all([
				import("../output/print.ts"),
				import("../lib/download.ts"),
				import("../output/artifacts-view.ts"),
			]);
			await print(cli, await downloadArtifact(cli.client(), run, name, dir, cli.home.cache), downloadView);
		});
};
