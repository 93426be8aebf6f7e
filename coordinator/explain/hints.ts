/** What a person can do about it. */

import type { RunDetail, StepView, WaitView } from "#shared/api.ts";
import type { FailureCause } from "#shared/domain.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import { rootOfSkip } from "./step.ts";

const forWaits = (waits: readonly WaitView[]): string[] =>
	waits.flatMap(({ for: kind, what, blockers }) => {
		if (what.startsWith("no agent can run it") || what.includes(": no agent can run it")) {
			return [
				"ask for less in the step's `resources` or `labels`, or let an agent join that has it: `runmesh agent start`",
			];
		}
		if (what.includes("take nothing new")) {
			const shut = blockers.find(({ reason }) => /^(cordoned|being drained) by /.test(reason));
			return [
				shut
					? `\`runmesh agents uncordon ${shut.id}\` lets it take work again`
					: "`runmesh agents ls` shows why each agent takes nothing new",
			];
		}
		if (/ agents at once are wanted, \d+ could run it/.test(what)) {
			return ["ask for fewer `nodes`, or let more agents join: `runmesh token create`"];
		}
		if (kind === "agents" && /no agent (is online|has joined)/.test(what)) {
			return ["start an agent with `runmesh agent start`; `runmesh agents ls` shows those that are known"];
		}
		if (kind === "capacity") return ["`runmesh agents ls` shows what each agent has free"];
		if (kind === "concurrency")
			return ["`concurrency: {max: …}` of the step says how many of its group may run at once"];
		if (kind === "admission") {
			const [first] = blockers;
			return first ? [`see what the run before it does: \`runmesh explain ${first.id}\``] : [];
		}
		return [];
	});

const ADVICE: Partial<Record<FailureCause, string>> = {
	timeout: "give it more time with `timeout`, or find out what it waits for",
	output: "write what `outputs` names below $RUNMESH_OUTPUTS",
	input: "see that what it reads is still there: `runmesh artifacts ls`",
	launch: "see that its `shell` and `workdir` exist on the agent",
	lost: "see the agent: `runmesh agents ls`; `retries: {lost: …}` says how often a step may be lost",
	gate: "see its metrics: `runmesh runs show`",
	setup: "what it asks for, `image` or packages, could not be made there: see what the tool says in its output",
	serving: "see what the replicas say: `runmesh deployments ls`",
};

const ROUND_BYTES = 64 * 1024 ** 2;

/** Twice what it had; where it was seen to take more before it was ended, more than that. */
const enough = (hadBytes: number, peakBytes: number): string =>
	formatBytes(Math.max(2 * hadBytes, Math.ceil((1.25 * peakBytes) / ROUND_BYTES) * ROUND_BYTES));

/** Only a limit that its file names was its own. */
const forMemory = (definition: StepDefinition | null, peakBytes: number): string => {
	if (!definition?.limits.memory)
		return "say what it needs with `resources: {memory: …}`: it runs where that is free then";
	const had = definition.resources.memoryBytes;
	return `give it more than the ${formatBytes(had)} it had, such as \`resources: {memory: ${enough(had, peakBytes)}}\`, or let it use less`;
};

const forDisk = (definition: StepDefinition | null): string => {
	const had = definition?.resources.diskBytes ?? 0;
	const free = "free some space on the agent's disk";
	if (had === 0) return free;
	return `give it more than the ${formatBytes(had)} of disk that it had, such as \`resources: {disk: ${formatBytes(2 * had)}}\`; or, where all of it is full, ${free}`;
};

const adviceFor = (cause: FailureCause, step: StepView, definition: StepDefinition | null): string | undefined => {
	if (cause === "oom") return forMemory(definition, step.attempts.at(-1)?.usage?.peakMemoryBytes ?? 0);
	return cause === "disk" ? forDisk(definition) : ADVICE[cause];
};

const forFailure = (run: RunDetail, step: StepView, definition: StepDefinition | null): string[] => {
	if (!step.failure) return [];
	const { cause } = step.failure;
	const hints = step.attempts.length > 0 ? [`its output: \`runmesh logs ${run.id} ${step.key}\``] : [];
	const advice = adviceFor(cause, step, definition);
	if (advice) hints.push(advice);
	if (definition?.retries.max === 0 && cause === "error" && step.attempts.length > 0) {
		hints.push("a step that fails by chance is tried again with `retries: {max: 2}`");
	}
	return hints;
};

const again = ({ id, finishedAtMs }: RunDetail): string[] =>
	finishedAtMs === null ? [] : [`run again what did not succeed: \`runmesh runs retry ${id}\``];

export const stepHints = (
	run: RunDetail,
	step: StepView,
	definition: StepDefinition | null,
	waits: readonly WaitView[],
): string[] => {
	const hints = forWaits(waits);
	if (step.state === "held") {
		hints.push(`\`runmesh approve ${run.id} ${step.key}\`, or with --reject`);
	}
	if (step.state === "running" && definition?.action.kind === "deploy") {
		hints.push("see what its replicas say: `runmesh deployments ls`");
	}
	if (step.state === "failed") hints.push(...forFailure(run, step, definition), ...again(run));
	if (step.state === "skipped") {
		const root = rootOfSkip(run, step.key);
		if (root && root.key !== step.key && root.state === "failed")
			hints.push(`\`runmesh explain ${run.id} ${root.key}\``);
	}
	return [...new Set(hints)];
};

export const runHints = (run: RunDetail, waits: readonly WaitView[]): string[] => {
	const hints = forWaits(waits);
	for (const { key } of run.stepList.filter(({ state }) => state === "held").slice(0, 3)) {
		hints.push(`\`runmesh approve ${run.id} ${key}\`, or with --reject`);
	}
	if (run.state === "failed" || run.state === "cancelled") {
		for (const { key } of run.stepList.filter(({ state }) => state === "failed").slice(0, 3)) {
			hints.push(`\`runmesh explain ${run.id} ${key}\``);
		}
		hints.push(...again(run));
	}
	return [...new Set(hints)];
};
