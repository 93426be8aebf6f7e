/** `runmesh logs`: the output of a run's steps. */

import { type Command, Option } from "commander";
import type { ContextProvider } from "../context.ts";
import type { LogOptions } from "../lib/show-logs.ts";
import { parseFromOne } from "../lib/whole-number.ts";

const EXAMPLES = `
Examples:
  $ runmesh logs latest
  $ runmesh logs latest train.0 -f
  $ runmesh logs r01jx train --since 10m --stream stderr --timestamps

Lines of several steps begin with the step's key. Of a single step, a pipe or file gets the exact bytes. With
-o json each line is one record.`;

export const registerLogs = (program: Command, context: ContextProvider): void => {
	program
		.command("logs")
		.description("show what the steps of a run print")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.argument("[step]", "step key, or a matrix step's name for all its cells (default: all steps)")
		.option("-f, --follow", "go on until the run has finished")
		.option("--attempt <number>", "only this attempt of the step", parseFromOne)
		.option("--since <when>", "from then on: 10m, 2h, or a time such as 2026-01-31T12:00:00Z")
		.addOption(new Option("--stream <name>", "only this stream").choices(["stdout", "stderr"]))
		.option("--timestamps", "begin each line with its time")
		.addHelpText("after", EXAMPLES)
		.action(async (run: string, step: string | undefined, options: LogOptions) => {
			const cli = await context();
			const { showLogs } = await import("../lib/show-logs.ts");
			await showLogs(cli, run, step, options);
		});
};
