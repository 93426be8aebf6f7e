/**
 * State to a snapshot and back: what apply made of the journal up to one point, so that a start needs only what follows.
 * Agents come back as after a replay: with what is placed there and what people have decided, until they are heard.
 *
 * Every field stands in first-values.ts, or below, with the value it begins with; a new one does not compile until it
 * does. What differs from that value is written, so that an older snapshot, which lacks a field, still reads.
 */

import type { ArtifactRef, Usage } from "#shared/domain.ts";
import type { AgentId, RunId, StepKey } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { readStoredDefinition } from "#shared/pipeline/stored.ts";
import { agentOf } from "./agents.ts";
import { claimAttempt } from "./claims.ts";
import { runAtFirst, stepAtFirst } from "./first-values.ts";
import { newMembers } from "./members.ts";
import type { CacheEntry } from "./result-cache.ts";
import { type Packed, pack, unpack } from "./snapshot-values.ts";
import {
	type Attempt,
	type Cordon,
	type Member,
	type MemberResult,
	type MeshState,
	newMeshState,
	type Run,
	type Step,
} from "./state.ts";
import { isSettled } from "./transitions.ts";

const meshAtFirst = (): Omit<
	MeshState,
	"runs" | "attempts" | "ready" | "backoff" | "held" | "runGroups" | "stepGroups" | "results" | "runners" | "agents"
> => {
	const { epoch, fence, lastEventAtMs, submissions, models, deployments, joinTokens } = newMeshState();
	return { epoch, fence, lastEventAtMs, submissions, models, deployments, joinTokens };
};

/** Not part of the journal: they begin anew. */
const volatile: ReadonlySet<string> = new Set(["compared", "declinedUntilMs", "skippedBehind"]);

const SCHEMA_VERSION = 2;

type Fields = Record<string, Packed>;
type StepRef = [RunId, StepKey];

interface StepDump {
	key: StepKey;
	/** Of its definition. */
	name: string;
	matrix?: Record<string, ParamValue>;
	attempt?: AttemptDump;
	fields: Fields;
}

interface AttemptDump extends Omit<Attempt, "step" | "members" | "masterAddr" | "result" | "used"> {
	members?: Pick<Member, "agentId" | "ended">[];
	masterAddr?: string;
	result?: MemberResult | null;
	used?: Usage | null;
}

interface RunDump {
	id: RunId;
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
	code: ArtifactRef | null;
	submissionId: string;
	dependents: [string, StepKey[]][];
	fields: Fields;
}

interface MeshDump {
	fields: Fields;
	attempts: StepRef[];
	ready: StepRef[];
	backoff: StepRef[];
	held: StepRef[];
	runGroups: [string, RunId[]][];
	stepGroups: [string, StepRef[]][];
	agents: { id: AgentId; attempts: StepRef[]; cordon?: Cordon }[];
}

/** One part of a snapshot, of bounded size: each is a JSON text. */
type Part =
	| { kind: "snapshot"; schemaVersion: number }
	| { kind: "run"; run: RunDump }
	| { kind: "steps"; runId: RunId; steps: StepDump[] }
	| { kind: "results"; results: CacheEntry[] }
	| { kind: "mesh"; mesh: MeshDump };

/** A picture of the state now, to be written in peace: nothing in it changes any more. */
export interface Dump {
	/** Steps that have settled never change: they are dumped when it comes to them. */
	runs: { run: RunDump; steps: (StepDump | Step)[] }[];
	results: CacheEntry[];
	mesh: MeshDump;
}

/** Steps, or results. */
const PART_SIZE = 1_000;

export const dumpState = (state: MeshState): Dump => ({
	runs: [...state.runs.values()].map((run) => ({
		run: dumpRun(run),
		steps: [...run.steps.values()].map((step) => (isSettled(step.status) ? step : dumpStep(step))),
	})),
	results: [...state.results.entries()],
	mesh: {
		fields: dumpFields(state, meshAtFirst()),
		attempts: [...new Set(state.attempts.values())].map(({ step }) => refOf(step)),
		ready: state.ready.steps().map(refOf),
		backoff: [...state.backoff].map(refOf),
		held: [...state.held].map(refOf),
		runGroups: [...state.runGroups].map(([group, runs]) => [group, [...runs].map(({ id }) => id)]),
		stepGroups: [...state.stepGroups].map(([group, steps]) => [group, [...steps].map(refOf)]),
		agents: [...state.agents.values()].map(({ id, attempts, cordon }) => ({
			id,
			attempts: [...attempts].map(({ step }) => refOf(step)),
			...(cordon ? { cordon } : {}),
		})),
	},
});

/** The parts as texts, each in its turn. */
export function* writeDump({ runs, results, mesh }: Dump): Generator<string> {
	yield textOf({ kind: "snapshot", schemaVersion: SCHEMA_VERSION });
	for (const { run, steps } of runs) {
		yield textOf({ kind: "run", run });
		for (const part of partsOf(steps)) yield textOf({ kind: "steps", runId: run.id, steps: part.map(dumped) });
	}
	for (const part of partsOf(results)) yield textOf({ kind: "results", results: part });
	yield textOf({ kind: "mesh", mesh });
}

const partsOf = <T>(all: readonly T[]): T[][] =>
	Array.from({ length: Math.ceil(all.length / PART_SIZE) }, (_, index) =>
		all.slice(index * PART_SIZE, (index + 1) * PART_SIZE),
	);

const textOf = (part: Part): string => JSON.stringify(part);

/** Refuses what a newer release wrote, and what is not whole. */
export const restoreState = (texts: Iterable<string>): MeshState => {
	const state = newMeshState();
	let mesh: MeshDump | null = null;
	for (const text of texts) {
		const part = JSON.parse(text) as Part;
		if (part.kind === "snapshot") checkSchema(part.schemaVersion);
		else if (part.kind === "run") restoreRun(state, part.run);
		else if (part.kind === "steps") restoreSteps(requireRun(state, part.runId), part.steps);
		else if (part.kind === "results") for (const entry of part.results) state.results.add(entry);
		else mesh = part.mesh;
	}
	if (!mesh) throw new Error("the snapshot is not whole");
	restoreMesh(state, mesh);
	return state;
};

/** Of a snapshot that only a newer release can read. */
export class NewerSnapshotError extends Error {}

const checkSchema = (version: number): void => {
	if (version <= SCHEMA_VERSION) return;
	throw new NewerSnapshotError(`the snapshot is of schema ${version}, this release reads up to ${SCHEMA_VERSION}`);
};

const refOf = ({ run, key }: Step): StepRef => [run.id, key];

const dumpRun = (run: Run): RunDump => {
	const { id, definition, params, code, submissionId, dependents } = run;
	const waiting = [...dependents].map(([name, steps]): [string, StepKey[]] => [
		name,
		// A matrix that has been expanded left what stood for it behind.
		steps.filter((step) => run.steps.get(step.key) === step).map(({ key }) => key),
	]);
	const fields = dumpFields(run, runAtFirst());
	return { id, definition, params, code, submissionId, dependents: waiting, fields };
};

const dumpStep = (step: Step): StepDump => {
	const { key, definition, matrix, attempt } = step;
	return {
		key,
		name: definition.name,
		...(Object.keys(matrix).length > 0 ? { matrix } : {}),
		...(attempt ? { attempt: dumpAttempt(attempt) } : {}),
		fields: dumpFields(step, firstStep),
	};
};

const dumped = (step: StepDump | Step): StepDump => ("run" in step ? dumpStep(step) : step);

const firstStep = stepAtFirst();

/** Of a step on one agent only that: so it was written before there were others. */
const dumpAttempt = ({ step: _, members, masterAddr, result, used, ...attempt }: Attempt): AttemptDump => ({
	...attempt,
	...(members.length > 1
		? { members: members.map(({ agentId, ended }) => ({ agentId, ended })), masterAddr, result, used }
		: {}),
});

const restoreAttempt = (
	{ members, masterAddr = "", result = null, used = null, ...attempt }: AttemptDump,
	step: Step,
): Attempt => {
	const ended = (members ?? []).map((member) => member.ended);
	const agentIds = members?.map(({ agentId }) => agentId) ?? [attempt.agentId];
	const restored = newMembers(attempt.id, agentIds).map((member, rank) => ({ ...member, ended: ended[rank] ?? false }));
	return { ...attempt, members: restored, masterAddr, result, used, step };
};

const dumpFields = <T extends object>(entity: T, atFirst: Partial<T>): Fields => {
	const fields: Fields = {};
	for (const name in atFirst) {
		const value = entity[name];
		if (value === atFirst[name] || volatile.has(name)) continue;
		const packed = pack(value, atFirst[name]);
		if (packed !== undefined) fields[name] = packed;
	}
	return fields;
};

const restoreFields = <T extends object>(atFirst: T, fields: Fields): T => {
	for (const [name, value] of Object.entries(fields)) {
		if (name in atFirst) (atFirst as Record<string, unknown>)[name] = unpack(value);
	}
	return atFirst;
};

const restoreRun = (state: MeshState, { dependents, definition, fields, ...given }: RunDump): void => {
	const run: Run = {
		...given,
		definition: readStoredDefinition(JSON.stringify(definition)),
		steps: new Map(),
		cells: new Map(),
		dependents: new Map(),
		...restoreFields(runAtFirst(), fields),
	};
	state.runs.set(run.id, run);
	waitingFor.set(run, dependents);
};

/** Until the steps are there. */
const waitingFor = new WeakMap<Run, RunDump["dependents"]>();

const restoreSteps = (run: Run, dumps: readonly StepDump[]): void => {
	const definitions = new Map(run.definition.steps.map((definition) => [definition.name, definition]));
	for (const { key, name, matrix = {}, attempt, fields } of dumps) {
		const definition = definitions.get(name);
		if (!definition) throw new Error(`the snapshot speaks of step ${name}, which run ${run.id} does not have`);
		const step: Step = { run, key, definition, matrix, attempt: null, ...restoreFields(stepAtFirst(), fields) };
		if (attempt) step.attempt = restoreAttempt(attempt, step);
		run.steps.set(key, step);
		addToCells(run, definition, step);
	}
};

const addToCells = (run: Run, { name }: StepDefinition, step: Step): void => {
	const cells = run.cells.get(name);
	if (cells) cells.push(step);
	else run.cells.set(name, [step]);
};

const restoreMesh = (state: MeshState, mesh: MeshDump): void => {
	Object.assign(state, restoreFields(meshAtFirst(), mesh.fields));
	for (const deployment of state.deployments.values()) {
		// Older snapshots do not have it: they know no agents that drain.
		deployment.wanted ??= deployment.agentIds.length;
		if (deployment.previous) deployment.previous.wanted ??= deployment.previous.agentIds.length;
	}
	for (const run of state.runs.values()) {
		for (const [name, keys] of waitingFor.get(run) ?? []) {
			run.dependents.set(
				name,
				keys.map((key) => requireStep(state, [run.id, key])),
			);
		}
	}
	for (const ref of mesh.attempts) {
		const attempt = requireAttempt(state, ref);
		for (const { id } of attempt.members) state.attempts.set(id, attempt);
	}
	for (const ref of mesh.ready) state.ready.add(requireStep(state, ref));
	for (const ref of mesh.backoff) state.backoff.add(requireStep(state, ref));
	for (const ref of mesh.held) state.held.add(requireStep(state, ref));
	for (const [group, ids] of mesh.runGroups)
		state.runGroups.set(group, new Set(ids.map((id) => requireRun(state, id))));
	for (const [group, refs] of mesh.stepGroups) {
		state.stepGroups.set(group, new Set(refs.map((ref) => requireStep(state, ref))));
	}
	for (const { id, attempts, cordon = null } of mesh.agents) {
		const agent = agentOf(state, id);
		agent.cordon = cordon;
		for (const ref of attempts) claimAttempt(agent, requireAttempt(state, ref));
	}
};

const requireRun = (state: MeshState, id: RunId): Run => {
	const run = state.runs.get(id);
	if (!run) throw new Error(`the snapshot speaks of run ${id}, which it does not hold`);
	return run;
};

const requireStep = (state: MeshState, [runId, key]: StepRef): Step => {
	const step = requireRun(state, runId).steps.get(key);
	if (!step) throw new Error(`the snapshot speaks of step ${runId}/${key}, which it does not hold`);
	return step;
};

const requireAttempt = (state: MeshState, ref: StepRef): Attempt => {
	const { attempt } = requireStep(state, ref);
	if (!attempt) throw new Error(`the snapshot speaks of an attempt of ${ref.join("/")}, which it does not hold`);
	return attempt;
};
