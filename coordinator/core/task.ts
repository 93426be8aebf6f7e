/** An attempt's task: everything its agent needs, with `${{ … }}` resolved. */

import type { ArtifactRef, GangPlace, Limits, Task, TaskAction } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { OutputRef, ParamValue, StepDefinition } from "#shared/pipeline/definition.ts";
import { imageRule, isImage } from "#shared/pipeline/image.ts";
import { interpolate, interpolateCommand } from "#shared/pipeline/interpolate.ts";
import { requestedResources } from "./claims.ts";
import { scopeOf } from "./facts.ts";
import { isGang } from "./members.ts";
import type { Attempt, Member, Run, Step } from "./state.ts";

/** `member` is the attempt's part on one agent. */
export const taskOf = (attempt: Attempt, member: Member, leaderEpoch: number): Task => {
	const { step } = attempt;
	const { run, definition } = step;
	return {
		runId: run.id,
		pipeline: run.definition.name,
		stepKey: step.key,
		attemptId: member.id,
		attemptNumber: attempt.number,
		fence: attempt.fence,
		leaderEpoch,
		action: actionOf(step),
		env: environmentOf(step),
		inputs: inputsOf(step),
		// The step's results are the first member's.
		outputs: Object.entries(member === attempt.members[0] ? definition.outputs : {}).map(([name, path]) => ({
			name,
			path,
			asValue: definition.values.includes(name),
		})),
		resources: requestedResources(step),
		paramsJson: JSON.stringify(paramsOf(step)),
		timeoutMs: definition.timeoutMs,
		graceMs: definition.graceMs,
		code: run.code,
		trackCode: definition.cache !== null && run.cacheMode !== "off" && !isGang(attempt),
		gang: gangPlaceOf(attempt, member),
		image: imageOf(step),
		environment: definition.environment,
		limits: limitsOf(definition),
	};
};

/** Only what the file says limits an attempt; what is assumed of it does not. */
const limitsOf = ({ resources, limits }: StepDefinition): Limits => ({
	cpuMillis: limits.cpu ? resources.cpuMillis : 0,
	memoryBytes: limits.memory ? resources.memoryBytes : 0,
	diskBytes: resources.diskBytes,
});

const FIRST_PORT = 20_000;
/** Below those that systems give to connections going out. */
const PORTS = 10_000;

/** The port follows from the lease: two gangs on one machine, and a gang's next try, have different ones. */
const gangPlaceOf = (attempt: Attempt, member: Member): GangPlace | null => {
	if (!isGang(attempt)) return null;
	return {
		rank: attempt.members.indexOf(member),
		size: attempt.members.length,
		masterAddr: attempt.masterAddr,
		masterPort: FIRST_PORT + (attempt.fence % PORTS),
	};
};

export const actionOf = (step: Step): TaskAction => {
	const { action } = step.definition;
	if (action.kind !== "command") return { kind: "noop" };
	return {
		kind: "command",
		command: interpolateCommand(action.command, action.shell, scopeOf(step)),
		shell: action.shell,
		workdir: action.workdir,
	};
};

export const environmentOf = (step: Step): Record<string, string> => {
	const scope = scopeOf(step);
	return Object.fromEntries(
		Object.entries(step.definition.env).map(([name, value]) => [name, interpolate(value, scope)]),
	);
};

export const imageOf = (step: Step): string => {
	const image = interpolate(step.definition.image, scopeOf(step));
	if (image === "" || isImage(image)) return image;
	const message = `\`image\` is \`${image.slice(0, 100)}\` for this step, expected ${imageRule}`;
	throw new RunmeshError("RM_PIPELINE_INVALID", message);
};

/** Of a step that runs although an earlier one did not succeed, what that one should have left is missing. */
export const inputsOf = ({ run, definition }: Step): ArtifactRef[] =>
	Object.entries(definition.inputs).flatMap(([name, ref]) => {
		const output = outputOf(run, ref);
		if (output) return [{ ...output, name }];
		if (definition.condition?.statusAware) return [];
		throw new Error(`${run.id}: ${ref.step} succeeded without its output ${ref.output}`);
	});

/** What $RUNMESH_PARAMS holds; values of a mapping on an axis under the axis again. */
export const paramsOf = ({ run, definition, matrix }: Step) => ({
	params: definition.params ?? run.params,
	matrix: nested(matrix),
});

const nested = (matrix: Record<string, ParamValue>): Record<string, unknown> => {
	const axes: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(matrix)) {
		const [axis = name, key] = name.split(".");
		if (key === undefined) axes[axis] = value;
		else axes[axis] = { ...(axes[axis] as object | undefined), [key]: value };
	}
	return axes;
};

/** An earlier step's output; null when it has none of that name, or has not succeeded. */
export const outputOf = (run: Run, ref: OutputRef): ArtifactRef | null => {
	const [step] = run.cells.get(ref.step) ?? [];
	if (step?.status !== "succeeded") return null;
	return step.outputs.find((output) => output.name === ref.output) ?? null;
};
