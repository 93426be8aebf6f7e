/** `runmesh run`: submit a pipeline and follow it to its end. */

import { type Command, Option } from "commander";
import type { ReuseRequest, SubmitRequest } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { CliContext, ContextProvider } from "../context.ts";
import { collectParam } from "../lib/params.ts";
import type { SeeOptions } from "../lib/see-run.ts";

interface RunOptions extends SeeOptions {
	param?: Record<string, string>;
	name?: string;
	fromFailed?: true;
	from?: string[];
	only?: string[];
	of?: string;
	cache: boolean;
	refresh?: true;
}

const EXAMPLES = `
Examples:
  $ runmesh run pipeline.yaml
  $ runmesh run pipeline.yaml -p epochs=10 -p lr=0.1
  $ runmesh run pipeline.yaml --from-failed
  $ runmesh run pipeline.yaml --only evaluate --of r01jx
  $ id=$(runmesh run pipeline.yaml --detach)

The folder that the file lies in goes along as the steps' code: without .git, node_modules, .runmesh, *.log, and
what .gitignore and .runmeshignore name. Ctrl-C leaves the run running.

Exit codes: 0 succeeded, 1 failed, 9 cancelled, 130 left with Ctrl-C while it ran.`;

const collect = (text: string, words: string[] = []): string[] => [...words, text];

export const registerRun = (program: Command, context: ContextProvider): void => {
	program
		.command("run")
		.description("run a pipeline and watch it to its end")
		.argument("<file>", "pipeline file")
		.option("-p, --param <key=value>", "value of a parameter; repeatable", collectParam)
		.option("--name <name>", "list the run under this name instead of the pipeline's")
		.addOption(
			new Option("--from-failed", "take what succeeded of an earlier run, run the rest").conflicts(["from", "only"]),
		)
		.addOption(
			new Option("--from <step>", "run this step and all behind it, take the rest; repeatable")
				.argParser(collect)
				.conflicts("only"),
		)
		.addOption(
			new Option("--only <step>", "run this step alone, on results that are taken; repeatable").argParser(collect),
		)
		.option("--of <run>", "the earlier run (default: the newest of this pipeline)")
		.option("--no-cache", "take no recorded results")
		.addOption(new Option("--refresh", "run what would be taken from the cache, and record it anew").conflicts("cache"))
		.option("--detach", "print the run's id and return at once")
		.option("--no-logs", "show no output of the steps")
		.option("--cancel-on-interrupt", "Ctrl-C cancels the run")
		.addHelpText("after", EXAMPLES)
		.action(async (file: string, options: RunOptions) => {
			const cli = await context();
			const reuse = reuseOf(options);
			const [{ submitPipeline }, { seeRun }] = await Promise.all([
				import("../lib/submit.ts"),
				import("../lib/see-run.ts"),
			]);
			const onUpload = await uploadNews(cli);
			const { name, param = {} } = options;
			const run = await submitPipeline(cli.client(), file, param, { name, onUpload, reuse, cache: cacheOf(options) });
			await seeRun(cli, run, options);
		});
};

const cacheOf = ({ cache, refresh }: RunOptions): SubmitRequest["cache"] => {
	if (!cache) return "off";
	return refresh ? "refresh" : "use";
};

const reuseOf = ({ fromFailed, from, only, of }: RunOptions): ReuseRequest | null => {
	const run = of ?? "latest";
	if (fromFailed) return { run, mode: "failed", steps: [] };
	if (from) return { run, mode: "from", steps: from };
	if (only) return { run, mode: "only", steps: only };
	if (of === undefined) return null;
	throw new RunmeshError("RM_BAD_INPUT", "--of names a run to take results from, and nothing says which", {
		hint: "add --from-failed, --from STEP or --only STEP",
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
