/**
 * What one step costs the coordinator's core, in small runs and in large ones: all decisions from its submission to its
 * end, without journal and network. The same number of steps every time, as many runs of ten or as one run.
 */

import { setImmediate as breath } from "node:timers/promises";
import { decide } from "#coordinator/core/decide.ts";
import type { Input } from "#coordinator/core/inputs.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { shapes } from "./graphs.ts";

const AGENTS = 8;
/** As many as the coordinator takes in one turn. */
const INPUTS_PER_TURN = 2_000;

/** Runs `runs` pipelines of `size` steps to their end; microseconds of CPU time for each step. */
const stepCost = (shape: string, size: number, runs: number): number => {
	const definition = shapes[shape]?.(size);
	if (!definition) throw new Error(`there is no shape ${shape}`);
	const state = newMeshState();
	let nowMs = 1_000_000;
	const turn = (inputs: Input[]): Task[] => {
		nowMs += 1;
		const { effects, refused } = decide(state, inputs, nowMs);
		if (refused[0]) throw refused[0].error;
		return effects.flatMap((effect) => (effect.kind === "sendTask" ? [effect.task] : []));
	};
	turn([{ kind: "leadershipGained", coordinatorId: "bench", epoch: 1 }, ...agents().flat()]);

	const before = process.cpuUsage();
	const waiting = Array.from({ length: runs }, (_, index): Input => submission(definition, `r${index}`));
	while (waiting.length > 0) {
		const inputs = waiting.splice(0, INPUTS_PER_TURN);
		for (const task of turn(inputs)) waiting.push(...reports(state, task));
	}
	const { user, system } = process.cpuUsage(before);
	if (state.runs.size > 0) throw new Error(`${state.runs.size} runs of ${shape} did not end`);
	return (user + system) / (size * runs);
};

const submission = (definition: PipelineDefinition, run: string): Input => ({
	...{ kind: "submitRun", runId: run as RunId, definition, params: {}, submitter: "bench", code: null },
	...{ submissionId: run, reused: [], leftOut: [], cacheMode: "use", basedOn: "" },
});

const agents = (): Input[][] =>
	Array.from({ length: AGENTS }, (_, index): Input[] => {
		const agentId = `a${index}` as AgentId;
		const capacity = { cpuMillis: 64_000, memoryBytes: 1e12, gpu: null, diskBytes: 0, named: {} };
		return [
			{
				kind: "advertReceived",
				advert: {
					...{ agentId, name: agentId, version: "0", labels: {}, fingerprint: null, capacity, endpoints: null },
					...{ cordoned: false, atMs: 0, replicas: [] },
				},
			},
			{
				kind: "heartbeatReceived",
				replyTo: "",
				heartbeat: {
					agentId,
					sessionId: "s",
					atMs: 0,
					attempts: [],
					load: null,
					draining: false,
					usable: null,
					closed: "",
				},
			},
		];
	});

const reports = (state: MeshState, attempt: Task): Input[] => {
	const agentId = state.attempts.get(attempt.attemptId)?.agentId ?? ("" as AgentId);
	const report = { reportId: attempt.attemptId, agentId, atMs: 0 };
	return [
		{ kind: "reportReceived", report: { ...report, body: { kind: "attemptStarted", attempt } } },
		{
			kind: "reportReceived",
			report: {
				...report,
				body: {
					...{ kind: "attemptFinished", attempt, outcome: "succeeded", failure: null, outputs: [], metrics: [] },
					...{ startedAtMs: 0, finishedAtMs: 0, logBytes: 0, logDroppedBytes: 0, codeUse: null, usage: null },
				},
			},
		},
	];
};

const STEPS = 10_000;
const ROUNDS = 3;

export const stepCosts: Part = {
	metrics: ["step_cost_10_us", "step_cost_10k_us"],
	measure: async ({ quick, note }) => {
		const worst = { small: 0, large: 0 };
		for (const shape of Object.keys(shapes)) {
			const steps = quick ? 1_000 : STEPS;
			const cost = async (size: number): Promise<number> => {
				const rounds: number[] = [];
				for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
					rounds.push(stepCost(shape, size, steps / size));
					await breath();
				}
				return median(rounds);
			};
			// The first warms up what all of them use.
			await cost(10);
			const costs: [number, number][] = [];
			for (const size of [10, 100, 1_000, 10_000]) if (size <= steps) costs.push([size, await cost(size)]);
			note(`${shape}: ${costs.map(([size, micros]) => `${micros.toFixed(1)} µs in runs of ${size}`).join(", ")}`);
			const [small, large] = [costs[0]?.[1] ?? 0, costs.at(-1)?.[1] ?? 0];
			if (large / small > worst.large / worst.small || worst.small === 0) Object.assign(worst, { small, large });
		}
		return [
			{ metric: "step_cost_10_us", value: worst.small, unit: "µs" },
			{ metric: "step_cost_10k_us", value: worst.large, unit: "µs", reference: worst.small },
		];
	},
};
