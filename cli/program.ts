/** The command tree. Registering is cheap: a command loads what it needs when it runs. */

import { Command, Option } from "commander";
import manifest from "../package.json" with { type: "json" };
import { registerAgent } from "./commands/agent.ts";
import { registerAgents } from "./commands/agents.ts";
import { registerApprove } from "./commands/approve.ts";
import { registerArtifacts } from "./commands/artifacts.ts";
import { registerCoordinator } from "./commands/coordinator.ts";
import { registerDeployments } from "./commands/deployments.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerInfer } from "./commands/infer.ts";
import { registerLogs } from "./commands/logs.ts";
import { registerModels } from "./commands/models.ts";
import { registerPlan } from "./commands/plan.ts";
import { registerRun } from "./commands/run.ts";
import { registerRuns } from "./commands/runs.ts";
import { registerToken } from "./commands/token.ts";
import { registerDown, registerUp } from "./commands/up.ts";
import { contextProvider, DEFAULT_URL, type GlobalOptions, type Surroundings } from "./context.ts";
import { throwUsageErrors } from "./usage.ts";

const EXAMPLES = `
Examples:
  $ runmesh up                                 start a mesh on this machine
  $ runmesh run examples/digits/pipeline.yaml  run a pipeline, watch it to its end
  $ runmesh run train.yaml -p epochs=10        with another value for a parameter
  $ runmesh logs latest train -f               follow one step's output
  $ runmesh explain latest                     why it waits, failed, or was not run again
  $ runmesh infer digits --input x=@image.json ask the model that came out
  $ runmesh runs ls -o json | jq '.items[0]'   everything is also JSON

Every command has examples of its own: runmesh COMMAND --help`;

/** `--version` alone: behind a command it may be an option of that one, such as a model's version. */
export const withVersionFlag = (argv: readonly string[]): string[] =>
	argv.map((word, index) => (index === 2 && word === "--version" ? "-V" : word));

export const buildProgram = (around: Surroundings): Command => {
	const program = new Command("runmesh")
		.description("One place to run machine-learning pipelines on your own machines, and to serve their models.")
		.version(manifest.version, "-V", "print the version; so does --version in its place")
		.addOption(new Option("-o, --output <format>", "human or json").choices(["human", "json"]).default("human"))
		.option("--url <url>", `the coordinator's HTTP API (RUNMESH_URL; default: this home's mesh, else ${DEFAULT_URL})`)
		.option("--token <token>", "API token (RUNMESH_TOKEN; default: this home's)")
		.option("--home <dir>", "where the mesh of this machine lives (RUNMESH_HOME; default: ~/.runmesh)")
		.configureHelp({ showGlobalOptions: true })
		.addHelpText("after", EXAMPLES);
	const context = contextProvider(() => program.opts<GlobalOptions>(), around);
	for (const register of [
		registerUp,
		registerDown,
		registerRun,
		registerPlan,
		registerRuns,
		registerExplain,
		registerApprove,
		registerLogs,
		registerArtifacts,
		registerModels,
		registerDeployments,
		registerInfer,
		registerAgents,
		registerAgent,
		registerToken,
		registerCoordinator,
		registerDoctor,
	]) {
		register(program, context);
	}
	throwUsageErrors(program);
	return program;
};
