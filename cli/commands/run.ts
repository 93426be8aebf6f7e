/** `runmesh run`: submit a pipeline and follow it to its end. */

import type { Command } from "commander";
import type { RunDetail } from "#shared/api.ts";
import type { CliContext, ContextProvider } from "../context.ts";
import { collectParam } from "../lib/params.ts";

interface RunOptions {
	param?: Record<string, string>;
	detach?: true;
	name?: string;
	logs: boolean;
	cancelOnInterrupt?: true;
}

const EXAMPLES = `
Examples:
  $ runmesh run pipeline.yaml
  $ runmesh run pipeline.yaml -p epochs=10 -p lr=0.1
  $ id=$(runmesh run pipeline.yaml --detach)

The folder that the file lies in goes along as the steps' code: without .git, node_modules, .runmesh, *.log, and
what .gitignore and .runmeshignore name. Ctrl-C leaves the run running.

Exit codes: 0 succeeded, 1 failed, 9 cancelled, 130 left with Ctrl-C while it ran.`;

export const registerRun = (program: Command, context: ContextProvider): void => {
	program
		.command("run")
		.description("run a pipeline and watch it to its end")
		.argument("<file>", "pipeline file")
		.option("-p, --param <key=value>", "value of a parameter; repeatable", collectParam)
		.option("--name <name>", "list the run under this name instead of the pipeline's")
		.option("--detach", "print the run's id and return at once")
		.option("--no-logs", "show no output of the steps")
		.option("--cancel-on-interrupt", "Ctrl-C cancels the run")
		.addHelpText("after", EXAMPLES)
		.action(async (file: string, options: RunOptions) => {
			const cli = await context();
			const { submitPipeline } = await import("../lib/submit.ts");
			const onUpload = await uploadNews(cli);
			const run = await submitPipeline(cli.client(), file, options.param ?? {}, { name: options.name, onUpload });
			if (options.detach) await printSubmitted(cli, run);
			else process.exitCode = await followToEnd(cli, run, options);
		});
};

/** Said on a terminal, and only of uploads that take a while. */
const uploadNews = async ({ output, stderr }: CliContext) => {
	if (output === "json" || stderr.isTTY !== true) return undefined;
	const { formatBytes } = await import("../output/format.ts");
	return (sentBytes: number, totalBytes: number): void => {
		if (totalBytes < 4 * 1024 ** 2) return;
		const end = sentBytes === totalBytes ? "\n" : "";
		stderr.write(`\r\u001b[Ksending code: ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}${end}`);
	};
};

const printSubmitted = async (cli: CliContext, run: RunDetail): Promise<void> => {
	const { print } = await import("../output/print.ts");
	await print(cli, run, () => [run.id]);
	if (cli.output === "human" && cli.isTerminal) cli.stderr.write(`follow it with: runmesh logs ${run.id} -f\n`);
};

const followToEnd = async (cli: CliContext, run: RunDetail, options: RunOptions): Promise<number> => {
	const { followRun } = await import("../lib/follow.ts");
	const { logs, cancelOnInterrupt = false } = options;
	return followRun(cli, run, { logs: logs && cli.output === "human", cancelOnInterrupt });
};
