/** An attempt's task: everything its agent needs, with `${{ … }}` resolved. */

import type { ArtifactRef, Task, TaskAction } from "#shared/domain.ts";
import type { OutputRef } from "#shared/pipeline/definition.ts";
import { interpolate, interpolateCommand } from "#shared/pipeline/interpolate.ts";
import { requestedResources } from "./claims.ts";
import type { Attempt, Run, Step } from "./state.ts";

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 10_000;

export const taskOf = (attempt: Attempt, leaderEpoch: number): Task => {
	const { step } = attempt;
	const { run, definition, matrix } = step;
	const scope = { params: run.params, matrix };
	const env: Record<string, string> = {};
	for (const [name, value] of Object.entries(definition.env)) env[name] = interpolate(value, scope);
	return {
		runId: run.id,
		pipeline: run.definition.name,
		stepKey: step.key,
		attemptId: attempt.id,
		attemptNumber: attempt.number,
		fence: attempt.fence,
		leaderEpoch,
		action: actionOf(step),
		env,
		inputs: Object.entries(definition.inputs).map(([name, ref]) => ({ ...requireOutput(run, ref), name })),
		outputs: Object.entries(definition.outputs).map(([name, path]) => ({ name, path })),
		resources: requestedResources(step),
		paramsJson: JSON.stringify(scope),
		timeoutMs: definition.timeoutMs,
		graceMs: GRACE_MS,
		code: run.code,
	};
};

const actionOf = (step: Step): TaskAction => {
	const { action } = step.definition;
	if (action.kind !== "command") return { kind: "noop" };
	const scope = { params: step.run.params, matrix: step.matrix };
	return {
		kind: "command",
		command: interpolateCommand(action.command, action.shell, scope),
		shell: action.shell,
		workdir: action.workdir,
	};
};

/** An earlier step's output; null when it has none of that name. */
export const outputOf = (run: Run, ref: OutputRef): ArtifactRef | null => {
	const [step] = run.cells.get(ref.step) ?? [];
	return step?.outputs.find((output) => output.name === ref.output) ?? null;
};

const requireOutput = (run: Run, ref: OutputRef): ArtifactRef => {
	const output = outputOf(run, ref);
	if (output) return output;
	throw new Error(`${run.id}: ${ref.step} succeeded without its output ${ref.output}`);
};
