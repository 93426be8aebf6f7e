/** `runmesh runs`: list, show and cancel runs. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { RunState } from "#shared/api.ts";
import type { ContextProvider } from "../context.ts";

const STATES: RunState[] = ["running", "cancelling", "succeeded", "failed", "cancelled"];

interface ListOptions {
	state?: RunState;
	pipeline?: string;
	limit: number;
	before?: string;
}

const parseLimit = (text: string): number => {
	const limit = Number(text);
	if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
		throw new InvalidArgumentError("Expected a whole number from 1 to 1000.");
	}
	return limit;
};

export const registerRuns = (program: Command, context: ContextProvider): void => {
	const runs = program
		.command("runs")
		.description("list, show and cancel runs")
		.addHelpText("after", "\nExamples:\n  $ runmesh runs ls\n  $ runmesh runs show latest");

	runs
		.command("ls")
		.description("list runs, newest first")
		.addOption(new Option("--state <state>", "only runs in this state").choices(STATES))
		.option("--pipeline <name>", "only runs of this pipeline")
		.option("--limit <count>", "how many at most", parseLimit, 20)
		.option("--before <cursor>", "the next page: `next` of the page before")
		.addHelpText(
			"after",
			"\nExamples:\n  $ runmesh runs ls\n  $ runmesh runs ls --state failed --pipeline digits --limit 5",
		)
		.action(async (options: ListOptions) => {
			const cli = await context();
			const [{ print }, { runsView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/runs-view.ts"),
			]);
			await print(cli, await cli.client().runs(options), runsView);
		});

	runs
		.command("show")
		.description("show a run's steps, attempts and metrics")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.addHelpText("after", "\nExamples:\n  $ runmesh runs show latest\n  $ runmesh runs show r01jx -o json")
		.action(async (run: string) => {
			const cli = await context();
			const [{ print }, { runView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/runs-view.ts"),
			]);
			await print(cli, await cli.client().run(run), runView);
		});

	runs
		.command("cancel")
		.description("stop a run's steps and start no more of them")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.addHelpText("after", "\nExamples:\n  $ runmesh runs cancel latest")
		.action(async (run: string) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			await print(cli, await cli.client().cancelRun(run), ({ id, state }) => [`run ${id} is ${state}`]);
		});
};
