/** What a command does with the run it has started: names it, or follows it to its end. */

import type { RunDetail } from "#shared/api.ts";
import type { CliContext } from "../context.ts";
import { print } from "../output/print.ts";
import { followRun } from "./follow.ts";

export interface SeeOptions {
	detach?: true;
	logs: boolean;
	cancelOnInterrupt?: true;
}

export const seeRun = async (cli: CliContext, run: RunDetail, options: SeeOptions): Promise<void> => {
	const { detach, logs, cancelOnInterrupt = false } = options;
	if (!detach) {
		process.exitCode = await followRun(cli, run, { logs: logs && cli.output === "human", cancelOnInterrupt });
		return;
	}
	await print(cli, run, () => [run.id]);
	if (cli.output === "human" && cli.isTerminal) cli.stderr.write(`follow it with: runmesh logs ${run.id} -f\n`);
};
