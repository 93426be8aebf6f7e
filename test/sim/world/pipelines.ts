/** Random pipelines with everything that a file may ask for, in the normal form that the parser makes. */

import type { OutputRef, PipelineDefinition, StepAction, StepDefinition } from "#shared/pipeline/definition.ts";
import type { Random } from "#shared/random.ts";
import { command, pipelineOf, stepOf } from "#test/support/definitions.ts";

/** What a step behind it may read of one before it. */
interface Source {
	name: string;
	isMatrix: boolean;
	/** It leaves a model, a list and a verdict. */
	works: boolean;
}

export const randomPipeline = (random: Random, name: string, isLarge: boolean): PipelineDefinition => {
	const chance = (share: number): boolean => random.next() < share;
	const steps: StepDefinition[] = [];
	const sources: Source[] = [];
	const add = (step: StepDefinition, works: boolean): void => {
		steps.push(step);
		sources.push({ name: step.name, isMatrix: step.matrix !== null, works });
	};
	const count = 1 + random.below(isLarge ? 14 : 5);
	for (let index = 0; index < count; index++) {
		const step = randomStep(random, `s${index}`, sources);
		add(step, step.action.kind === "command");
	}
	const matrix = sources.find(({ isMatrix, works }) => isMatrix && works);
	if (matrix && chance(0.7)) {
		add(
			stepOf("best", {
				needs: [matrix.name],
				action: { kind: "select", from: matrix.name, metric: "score", mode: "max" },
			}),
			false,
		);
		if (chance(0.6)) add(deployOf(random, { step: "best", output: "model" }), false);
	} else if (chance(0.15)) {
		const plain = sources.find(({ isMatrix, works }) => works && !isMatrix);
		if (plain) add(deployOf(random, { step: plain.name, output: "model" }), false);
	}
	const plain = sources.filter(({ isMatrix, works }) => works && !isMatrix);
	if (chance(0.15) && plain.length > 0) {
		const outputs = Object.fromEntries(
			plain.map(({ name: step }): [string, OutputRef] => [step, { step, output: "model" }]),
		);
		add(stepOf("sub", { needs: plain.map((each) => each.name), action: { kind: "collect", outputs } }), false);
	}
	if (chance(0.25)) for (const step of onFailure(random, sources)) steps.push(step);
	return {
		...pipelineOf(...steps),
		name,
		timeoutMs: chance(0.12) ? 20_000 + random.below(60_000) : 0,
		concurrency: chance(0.2)
			? {
					group: chance(0.5) ? "runs" : `runs-\${{ params.p }}`,
					max: 1 + random.below(2),
					cancelInProgress: chance(0.3),
				}
			: null,
	};
};

/** Some of its commands on several agents at once, of as many as there are. */
export const withGangs = (random: Random, definition: PipelineDefinition, agents: number): PipelineDefinition => ({
	...definition,
	steps: definition.steps.map((step) => {
		const mayBeGang = step.action.kind === "command" && agents > 1 && random.next() < 0.15;
		return mayBeGang ? { ...step, nodes: 2 + random.below(Math.min(2, agents - 1)) } : step;
	}),
});

const randomStep = (random: Random, name: string, sources: readonly Source[]): StepDefinition => {
	const chance = (share: number): boolean => random.next() < share;
	const needs = new Set(sources.filter(() => chance(0.3)).map((source) => source.name));
	const action = randomAction(random, name, sources, needs);
	const matrix = action.kind === "command" ? randomMatrix(random, sources, needs) : null;
	const condition = randomCondition(random, sources, needs);
	const inputs: StepDefinition["inputs"] = {};
	if (action.kind === "command") {
		for (const { name: step, works, isMatrix } of sources) {
			if (works && !isMatrix && needs.has(step) && chance(0.6)) inputs[`from-${step}`] = { step, output: "model" };
		}
	}
	const leaves = action.kind === "command";
	return stepOf(name, {
		needs: [...needs],
		inputs,
		matrix,
		condition,
		action,
		outputs: leaves ? { model: "model", list: "list.json", verdict: "verdict.txt" } : {},
		values: leaves ? ["list", "verdict"] : [],
		env: chance(0.3) ? { P: `\${{ params.p }}` } : {},
		resources: {
			cpuMillis: 250 * (1 + random.below(8)),
			memoryBytes: chance(0.2) ? 3e9 : 0,
			gpu: null,
			diskBytes: 0,
			named: {},
		},
		gates: chance(0.08) ? [{ metric: "score", operator: ">=", value: 0.3, source: "score >= 0.3" }] : [],
		retries: {
			max: random.below(3),
			on: chance(0.5) ? ["error", "timeout"] : (["oom", "lost", "launch"] as const).slice(0, random.below(4)),
			exitCodes: chance(0.2) ? [42] : [],
			delayMs: 500,
			backoff: 2,
			lost: random.below(4),
		},
		timeoutMs: action.kind === "approve" ? (chance(0.5) ? 30_000 : 0) : chance(0.2) ? 20_000 : 0,
		graceMs: chance(0.3) ? 0 : 5_000,
		lostWaitMs: chance(0.35) ? 20_000 + random.below(40_000) : 0,
		priority: random.below(101),
		cache: leaves && chance(0.4) ? { ttlMs: chance(0.3) ? 60_000 : 0 } : null,
		concurrency: chance(0.15)
			? { group: chance(0.5) ? "steps" : `steps-\${{ params.p }}`, max: 1 + random.below(2), cancelInProgress: false }
			: null,
	});
};

const randomAction = (random: Random, name: string, sources: readonly Source[], needs: Set<string>): StepAction => {
	const kind = random.next();
	if (kind < 0.08) return { kind: "noop" };
	if (kind < 0.16) return { kind: "approve", message: "go on?" };
	const read = sources.find(({ works, isMatrix }) => works && !isMatrix && random.next() < 0.15);
	if (read) needs.add(read.name);
	const said = read ? ` \${{ steps.${read.name}.outputs.verdict }}` : "";
	// Steps of one name less than there are steps: some are equal to others of their run.
	return { ...command, command: `work ${random.next() < 0.2 ? "same" : name} \${{ params.p }}${said}` } as StepAction;
};

const randomMatrix = (random: Random, sources: readonly Source[], needs: Set<string>): StepDefinition["matrix"] => {
	const kind = random.next();
	if (kind > 0.35) return null;
	const list = sources.find(({ works, isMatrix }) => works && !isMatrix);
	if (kind < 0.15 && list) {
		needs.add(list.name);
		const dynamic = { shard: { step: list.name, output: "list" } };
		return random.next() < 0.3 ? { ...dynamic, x: [1, 2] } : dynamic;
	}
	if (kind < 0.2)
		return {
			pair: [
				{ a: 1, b: "u" },
				{ a: 2, b: "v" },
			],
		};
	return { x: Array.from({ length: 1 + random.below(4) }, (_, value) => value) };
};

const randomCondition = (
	random: Random,
	sources: readonly Source[],
	needs: Set<string>,
): StepDefinition["condition"] => {
	if (random.next() > 0.25) return null;
	const any = sources[random.below(sources.length)];
	const plain = sources.find(({ works, isMatrix }) => works && !isMatrix);
	const aware = (source: string) => ({ source, statusAware: true });
	switch (random.below(7)) {
		case 0:
			return aware("failed()");
		case 1:
			return aware("always()");
		case 2:
			return aware("!succeeded() || params.p > 1");
		case 3:
			if (!any) return null;
			needs.add(any.name);
			return aware(`steps.${any.name}.state == 'failed' || steps.${any.name}.state == 'skipped'`);
		case 4:
			if (!plain) return null;
			needs.add(plain.name);
			return { source: `steps.${plain.name}.outputs.verdict == "yes"`, statusAware: false };
		case 5:
			if (!plain) return null;
			needs.add(plain.name);
			return { source: `steps.${plain.name}.metrics.score > 0.4`, statusAware: false };
		default:
			return { source: "params.p < 3", statusAware: false };
	}
};

const deployOf = (random: Random, model: OutputRef): StepDefinition =>
	stepOf("ship", {
		needs: [model.step],
		action: { kind: "deploy", model, golden: null, name: `m${random.below(2)}`, replicas: 1 },
		timeoutMs: 120_000,
	});

/** Steps that run when the others have failed. */
const onFailure = (random: Random, sources: readonly Source[]): StepDefinition[] => {
	const main = sources.map(({ name }) => name);
	const condition = { source: "failed()", statusAware: true };
	const tell = stepOf("tell", {
		needs: main,
		phase: "onFailure",
		condition,
		action: { ...command, command: "tell" } as StepAction,
	});
	if (random.next() < 0.5) return [tell];
	return [
		tell,
		stepOf("clean", {
			...tell,
			name: "clean",
			needs: [...main, "tell"],
			condition: { source: "failed() && always()", statusAware: true },
		}),
	];
};
