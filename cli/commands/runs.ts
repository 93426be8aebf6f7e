/** `runmesh runs`: list, show, cancel and retry runs. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { RunState } from "#shared/api.ts";
import type { ContextProvider } from "../context.ts";
import type { SeeOptions } from "../lib/see-run.ts";

const STATES: RunState[] = ["queued", "running", "cancelling", "succeeded", "failed", "cancelled"];

interface ListOptions {
	state?: RunState;
	pipeline?: string;
	submitter?: string;
	since?: string;
	until?: string;
	search?: string;
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
		.description("list, show, cancel and retry runs")
		.addHelpText(
			"after",
			"\nExamples:\n  $ runmesh runs ls\n  $ runmesh runs show latest\n  $ runmesh runs retry latest",
		);
	registerList(runs, context);
	registerShow(runs, context);
	registerCancel(runs, context);
	registerRetry(runs, context);
};

const LIST_EXAMPLES = `
Examples:
  $ runmesh runs ls
  $ runmesh runs ls --state failed --pipeline digits --limit 5
  $ runmesh runs ls --since 2d --search lr=0.1

A search finds runs by words, or beginnings of words, of their id, pipeline, submitter and parameters: all of them.`;

const registerList = (runs: Command, context: ContextProvider): void => {
	runs
		.command("ls")
		.description("list runs, newest first")
		.addOption(new Option("--state <state>", "only runs in this state").choices(STATES))
		.option("--pipeline <name>", "only runs of this pipeline")
		.option("--submitter <name>", "only runs that this one submitted")
		.option("--since <when>", "submitted then or later: 10m, 2d, or a time such as 2026-01-31T12:00:00Z")
		.option("--until <when>", "submitted before")
		.option("--search <words>", "only runs that have all of these words")
		.option("--limit <count>", "how many at most", parseLimit, 20)
		.option("--before <cursor>", "the next page: `next` of the page before")
		.addHelpText("after", LIST_EXAMPLES)
		.action(async ({ since, until, ...rest }: ListOptions) => {
			const cli = await context();
			const [{ print }, { runsView }, { parseSince }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/runs-view.ts"),
				import("../lib/since.ts"),
			]);
			const when = (flag: string, text: string | undefined): number | undefined =>
				text === undefined ? undefined : parseSince(text, Date.now(), flag);
			const { limit, before, ...filter } = rest;
			const query = { ...filter, since: when("--since", since), until: when("--until", until) };
			const filters = { ...filter, since, until };
			const page = await cli.client().runs({ ...query, limit, before });
			await print(cli, page, (found, view) => runsView(found, view, filters));
		});
};

const registerShow = (runs: Command, context: ContextProvider): void => {
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
};

const CANCEL_EXAMPLES = `
Examples:
  $ runmesh runs cancel latest
  $ runmesh runs cancel r01jx train.3 --reason "diverged"

Of a single step the run goes on, without those behind it, and ends as cancelled.`;

const registerCancel = (runs: Command, context: ContextProvider): void => {
	runs
		.command("cancel")
		.description("stop a run's steps and start no more of them, or stop one step")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.argument("[step]", "step key: only this step")
		.option("--reason <text>", "kept with the run")
		.addHelpText("after", CANCEL_EXAMPLES)
		.action(async (run: string, step: string | undefined, { reason }: { reason?: string }) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			if (step === undefined) {
				return print(cli, await cli.client().cancelRun(run, reason), ({ id, state }) => [
					state === "succeeded" || state === "failed" ? `run ${id} had ended: ${state}` : `run ${id} is ${state}`,
				]);
			}
			await print(cli, await cli.client().cancelStep(run, step, reason), ({ id, stepList }) => {
				const state = stepList.find(({ key }) => key === step)?.state ?? "";
				return [
					state === "cancelled"
						? `step ${step} of run ${id} is cancelled`
						: `step ${step} of run ${id} is told to stop`,
				];
			});
		});
};

const RETRY_EXAMPLES = `
Examples:
  $ runmesh runs retry latest
  $ runmesh runs retry r01jx --all --detach

The new run has the definition, the parameters and the code of the earlier one, as they were. It takes the results of
the steps that succeeded.

Exit codes: as of \`runmesh run\`.`;

const registerRetry = (runs: Command, context: ContextProvider): void => {
	runs
		.command("retry")
		.description("run again what did not succeed of a run, and watch it to its end")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.option("--all", "run all of it again, and take nothing from the cache")
		.option("--detach", "print the new run's id and return at once")
		.option("--no-logs", "show no output of the steps")
		.option("--cancel-on-interrupt", "Ctrl-C cancels the run")
		.addHelpText("after", RETRY_EXAMPLES)
		.action(async (run: string, { all = false, ...see }: SeeOptions & { all?: boolean }) => {
			const cli = await context();
			const [{ retryRun }, { seeRun }] = await Promise.all([import("../lib/retry.ts"), import("../lib/see-run.ts")]);
			await seeRun(cli, await retryRun(cli.client(), run, !all), see);
		});
};
