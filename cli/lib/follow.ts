/** Shows a run until it ends or Ctrl-C leaves it, and tells the exit code. */

import type { RunDetail, RunState } from "#shared/api.ts";
import type { CliContext } from "../context.ts";
import { liveProgress } from "../output/live.ts";
import { printJson, write } from "../output/print.ts";
import { type Progress, plainProgress, silentProgress, summarize } from "../output/progress.ts";
import { createStyle } from "../output/style.ts";
import { watchRun } from "./watch.ts";

export const EXIT_INTERRUPTED = 130;
const exitCodes: Partial<Record<RunState, number>> = { succeeded: 0, failed: 1, cancelled: 9 };

export interface FollowOptions {
	logs: boolean;
	cancelOnInterrupt: boolean;
}

const progressFor = (cli: CliContext): Progress => {
	if (cli.output === "json") return silentProgress;
	const show = cli.isTerminal ? liveProgress : plainProgress;
	return show(cli.stdout, createStyle(cli.colors), { colors: cli.colors });
};

export const followRun = async (cli: CliContext, run: RunDetail, options: FollowOptions): Promise<number> => {
	const client = cli.client();
	const progress = progressFor(cli);
	const left = new AbortController();
	let cancelling = false;
	const onInterrupt = (): void => {
		if (!options.cancelOnInterrupt || cancelling) return left.abort();
		cancelling = true;
		progress.note("cancelling; Ctrl-C again leaves the run to itself");
		client.cancelRun(run.id, undefined, left.signal).catch((error: Error) => {
			if (!left.signal.aborted) progress.note(`not cancelled: ${error.message}`);
		});
	};
	process.on("SIGINT", onInterrupt);
	try {
		const ended = await watchRun(client, run, progress, { logs: options.logs, signal: left.signal });
		progress.close();
		if (ended === null) {
			cli.stderr.write(`run goes on; cancel with: runmesh runs cancel ${run.id}\n`);
			return EXIT_INTERRUPTED;
		}
		if (cli.output === "json") await printJson(cli, ended);
		else await write(cli.stdout, `${summarize(ended, createStyle(cli.colors)).join("\n")}\n`);
		return exitCodes[ended.state] ?? 1;
	} finally {
		progress.close();
		process.off("SIGINT", onInterrupt);
	}
};
