/**
 * What the journal says, told by a second reader: statuses of runs and steps from events alone, as a read side sees
 * them. It shares no code with the core, and refuses events that the rules don't allow.
 */

import type { JournalEvent, RunSubmitted } from "#coordinator/core/events.ts";
import type { ParamValue, PipelineDefinition, StepDefinition } from "#shared/pipeline/definition.ts";
import { holds } from "./conditions.ts";
import { checkGang, checkGroup, checkLease, checkOutcome, checkSettled, mayTryAgain } from "./rules.ts";
import {
	demand,
	groupOf,
	isFinal,
	isReady,
	needsAreClosed,
	stepGroupOf,
	type ViewAttempt,
	type ViewRun,
	type ViewStatus,
	type ViewStep,
} from "./seen.ts";

export class View {
	readonly runs = new Map<string, ViewRun>();
	/** Steps of each group that are leased, running or held. */
	readonly stepGroups = new Map<string, Set<ViewStep>>();
	/** Runs of each group that go on. */
	readonly runGroups = new Map<string, Set<ViewRun>>();
	/** Of agents that are not open. */
	readonly modes = new Map<string, { mode: string; leave: boolean }>();
	/** The reasons of all that was decided of agents. */
	readonly modesSaid = new Set<string>();
	/** All that were ever issued. */
	readonly tokens = new Map<string, { expiresAtMs: number; usesLeft: number }>();
	readonly tokenUses = new Set<string>();
	readonly #servedBy = new Map<string, readonly string[]>();
	fence = 0;
	epoch = 0;
	lastEventAtMs = 0;
	readonly #definitions = new Map<string, PipelineDefinition>();

	take(event: JournalEvent): void {
		demand(
			event.atMs >= this.lastEventAtMs,
			() => `time goes back at ${event.kind}: ${this.lastEventAtMs - event.atMs}`,
		);
		this.lastEventAtMs = event.atMs;
		if (event.kind === "leaderElected") {
			demand(event.epoch > this.epoch, () => `epoch ${event.epoch} follows ${this.epoch}`);
			this.epoch = event.epoch;
			return;
		}
		if (event.kind === "runSubmitted") return this.#submitted(event);
		if (!("runId" in event)) return this.#ofMachines(event);
		if (event.kind === "deploymentChanged") return this.#deployed(event);
		if (event.kind === "modelVersionRegistered") return;
		const run = this.#run(event.runId);
		if ("stepKey" in event) return this.#ofStep(run, event);
		this.#ofRun(run, event);
	}

	/** Runs of one pipeline say the same. */
	#definition(json: string): PipelineDefinition {
		const known = this.#definitions.get(json) ?? (JSON.parse(json) as PipelineDefinition);
		this.#definitions.set(json, known);
		return known;
	}

	#run(id: string): ViewRun {
		const run = this.runs.get(id);
		demand(
			run !== undefined && !isFinal(run.status),
			() => `an event of run ${id}, which is ${run?.status ?? "unknown"}`,
		);
		return run as ViewRun;
	}

	#submitted(event: RunSubmitted): void {
		demand(!this.runs.has(event.runId), () => `${event.runId} was submitted twice`);
		const definition = this.#definition(event.definitionJson);
		const { concurrency } = definition;
		const run: ViewRun = {
			id: event.runId,
			submitted: event,
			definition,
			params: JSON.parse(event.paramsJson),
			status: concurrency ? "queued" : "running",
			group: "",
			timedOut: false,
			cancelAsked: false,
			reused: new Map(event.reused.map((each) => [each.stepKey, each])),
			leftOut: new Set(event.leftOut),
			steps: new Map(),
			cells: new Map(),
		};
		if (concurrency) run.group = groupOf(concurrency.group, run.params, {});
		this.runs.set(run.id, run);
		for (const step of definition.steps) {
			const lists = Object.entries(step.matrix ?? {}).map(([, values]) => values);
			if (step.matrix === null || lists.some((values) => !Array.isArray(values))) {
				addStep(run, step, step.name, {}, step.matrix !== null);
			} else {
				cellsOf(step).forEach((cell, index) => void addStep(run, step, `${step.name}.${index}`, cell, false));
			}
		}
	}

	#ofRun(run: ViewRun, event: JournalEvent): void {
		switch (event.kind) {
			case "runAdmitted": {
				demand(run.status === "queued", () => `${run.id} was admitted when ${run.status}`);
				const active = this.#group(this.runGroups, run.group);
				const max = run.definition.concurrency?.max ?? 1;
				demand(active.size < max, () => `${run.id} goes ahead beside ${active.size} of its group, of ${max}`);
				active.add(run);
				run.status = "running";
				return;
			}
			case "runCancelRequested":
				run.status = "cancelling";
				run.cancelAsked = true;
				return;
			case "runTimedOut":
				run.timedOut = true;
				return;
			case "runFinished":
				checkOutcome(run, event);
				run.status = event.state;
				this.runGroups.get(run.group)?.delete(run);
				return;
			default:
		}
	}

	#ofStep(run: ViewRun, event: Extract<JournalEvent, { stepKey: string }>): void {
		const step = run.steps.get(event.stepKey) as ViewStep;
		demand(step !== undefined, () => `${event.kind} of ${run.id}/${event.stepKey}, which it does not have`);
		const path = `${run.id}/${step.key}`;
		demand(
			!isFinal(step.status) || event.kind === "cacheRecorded",
			() => `${event.kind} of ${path}, which is ${step.status}`,
		);
		switch (event.kind) {
			case "stepReadied":
				demand(isReady(step), () => `${path} was made ready while its needs are open`);
				demand(holds(step), () => `${path} was made ready although its \`if\` does not hold`);
				return this.#move(step, "ready");
			case "matrixExpanded":
				demand(step.isTemplate && needsAreClosed(step), () => `${path} was expanded`);
				run.steps.delete(step.key);
				run.cells.delete(step.key);
				(JSON.parse(event.cellsJson) as Record<string, ParamValue>[]).forEach((cell, index) => {
					addStep(run, step.definition, `${step.key}.${index}`, cell, false);
				});
				return;
			case "approvalRequested":
				checkLease(this, step, event.atMs);
				return this.#move(step, "held");
			case "approvalAnswered":
				demand(step.status === "held", () => `${path} was answered when ${step.status}`);
				step.answer = event.approved;
				return;
			case "stepCancelRequested":
				step.cancelAsked = true;
				return;
			case "cacheChecked":
				demand(isReady(step), () => `the cache was asked for ${path}, which is ${step.status}`);
				step.cacheHit = event.hit ? { runId: event.sourceRunId, stepKey: event.sourceStepKey } : null;
				return;
			case "stepRetryScheduled":
				demand(mayTryAgain(step), () => `${path} is tried again beyond what its policy gives`);
				step.notBeforeMs = event.notBeforeMs;
				return this.#move(step, "backoff");
			case "stepSettled":
				checkSettled(step, event);
				step.outputs = event.outputs;
				step.metrics = event.metrics;
				step.reason = event.reason;
				return this.#move(step, event.state);
			case "attemptLeased":
				checkLease(this, step, event.atMs);
				demand(event.fence > this.fence, () => `${event.attemptId} has fence ${event.fence} after ${this.fence}`);
				demand(event.attemptNumber === step.attempts + 1, () => `${event.attemptId} follows ${step.attempts} attempts`);
				this.fence = event.fence;
				step.attempts += 1;
				step.attempt = newAttempt(step, event);
				this.#checkOpen(step.attempt.agentIds, event.attemptId);
				return this.#move(step, "leased");
			case "attemptStarted": {
				const attempt = newest(step, event.attemptId);
				demand(
					attempt.status === "leased" || attempt.status === "lost",
					() => `${attempt.id} started when ${attempt.status}`,
				);
				if (attempt.status === "lost") {
					checkGroup(this, step);
					step.losses -= 1;
				}
				attempt.status = "running";
				return this.#move(step, "running");
			}
			case "attemptMemberEnded": {
				const attempt = newest(step, event.attemptId);
				const isOpen = attempt.status === "leased" || attempt.status === "running";
				demand(isOpen, () => `a member of ${attempt.id} ended when that is ${attempt.status}`);
				const isNew = event.rank < attempt.agentIds.length && !attempt.endedRanks.has(event.rank);
				demand(isNew, () => `rank ${event.rank} of ${attempt.id} ended, as ${[...attempt.endedRanks]} had`);
				attempt.endedRanks.set(event.rank, event.outputs);
				return;
			}
			case "attemptEnded": {
				const attempt = newest(step, event.attemptId);
				checkGang(attempt, event);
				const open = attempt.status === "leased" || attempt.status === "running";
				// It was lost, and is heard of; or its agent says so too.
				const isLate = attempt.status === "lost" && (event.state !== "lost" || event.failure?.cause === "lost");
				demand(open || isLate, () => `${attempt.id} ended when ${attempt.status}`);
				if (isLate) step.losses -= 1;
				attempt.status = event.state;
				attempt.end = event;
				if (event.state === "failed") step.failures += 1;
				if (event.state === "lost" || event.state === "cancelled") step.losses += 1;
				return;
			}
			default:
		}
	}

	#ofMachines(event: JournalEvent): void {
		switch (event.kind) {
			case "agentModeChanged":
				this.modesSaid.add(event.reason);
				if (event.mode === "open") this.modes.delete(event.agentId);
				else this.modes.set(event.agentId, event);
				return;
			case "agentForgotten": {
				const [held] = this.liveOn(event.agentId);
				demand(held === undefined, () => `${event.agentId} is forgotten while it holds ${held}`);
				this.modes.delete(event.agentId);
				return;
			}
			case "joinTokenIssued": {
				// One that has expired or was revoked is forgotten.
				const isNew = (this.tokens.get(event.tokenId)?.expiresAtMs ?? 0) <= event.atMs;
				demand(isNew, () => `token ${event.tokenId} was issued twice`);
				this.tokens.set(event.tokenId, { expiresAtMs: event.expiresAtMs, usesLeft: event.uses });
				return;
			}
			case "joinTokenUsed": {
				const token = this.tokens.get(event.tokenId);
				const mayUse = token !== undefined && token.usesLeft > 0 && event.atMs < token.expiresAtMs;
				demand(mayUse, () => `token ${event.tokenId} was used too often, or too late`);
				if (token) token.usesLeft -= 1;
				this.tokenUses.add(event.useId);
				return;
			}
			case "joinTokenRevoked": {
				const token = this.tokens.get(event.tokenId);
				if (token) Object.assign(token, { usesLeft: 0, expiresAtMs: 0 });
				return;
			}
			default:
		}
	}

	/** Attempts that the agent holds. */
	liveOn(agentId: string): string[] {
		return [...this.runs.values()].flatMap(({ steps }) =>
			[...steps.values()].flatMap(({ attempt }) => {
				const isLive = attempt?.status === "leased" || attempt?.status === "running";
				const rank = attempt?.agentIds.indexOf(agentId as never) ?? -1;
				return attempt && isLive && rank >= 0 && !attempt.endedRanks.has(rank) ? [attempt.id] : [];
			}),
		);
	}

	/** Whether agents that were not chosen before may be: only those that are open. */
	#checkOpen(agentIds: readonly string[], what: string): void {
		for (const id of agentIds) demand(!this.modes.has(id), () => `${what} goes to ${id}: ${this.modes.get(id)?.mode}`);
	}

	/** The first change that a deploy step makes; later ones take it back, or move it off a draining agent. */
	#deployed(event: Extract<JournalEvent, { kind: "deploymentChanged" }>): void {
		const { runId, stepKey, atMs, deployment, version, agentIds } = event;
		const step = this.runs.get(runId)?.steps.get(stepKey);
		const said = `${deployment} ${version} of ${runId}/${stepKey}`;
		const before = this.#servedBy.get(said);
		this.#servedBy.clear();
		this.#servedBy.set(said, agentIds);
		if (before)
			this.#checkOpen(
				agentIds.filter((id) => !before.includes(id)),
				deployment,
			);
		if (!step || !isReady(step)) return;
		this.#checkOpen(agentIds, deployment);
		checkLease(this, step, atMs);
		this.#move(step, "running");
	}

	#move(step: ViewStep, to: ViewStatus): void {
		step.status = to;
		const { concurrency } = step.definition;
		if (!concurrency) return;
		const holders = this.#group(this.stepGroups, stepGroupOf(step));
		if (to === "leased" || to === "running" || to === "held") holders.add(step);
		else holders.delete(step);
	}

	#group<T>(groups: Map<string, Set<T>>, name: string): Set<T> {
		const members = groups.get(name) ?? new Set();
		groups.set(name, members);
		return members;
	}
}

const addStep = (
	run: ViewRun,
	definition: StepDefinition,
	key: string,
	matrix: Record<string, ParamValue>,
	isTemplate: boolean,
): void => {
	const step: ViewStep = {
		...{ run, key, definition, matrix, isTemplate, status: "open", attempt: null, attempts: 0, failures: 0, losses: 0 },
		...{ notBeforeMs: 0, cancelAsked: false, cacheHit: null, answer: null },
		...{ outputs: [], metrics: [], reason: "" },
	};
	run.steps.set(key, step);
	const cells = run.cells.get(definition.name) ?? [];
	cells.push(step);
	run.cells.set(definition.name, cells);
};

const cellsOf = ({ matrix }: StepDefinition): Record<string, ParamValue>[] => {
	let cells: Record<string, ParamValue>[] = [{}];
	for (const [axis, values] of Object.entries(matrix ?? {})) {
		cells = cells.flatMap((cell) =>
			(values as (ParamValue | Record<string, ParamValue>)[]).map((value) =>
				typeof value === "object"
					? { ...cell, ...Object.fromEntries(Object.entries(value).map(([key, each]) => [`${axis}.${key}`, each])) }
					: { ...cell, [axis]: value },
			),
		);
	}
	return cells;
};

const newAttempt = (step: ViewStep, event: Extract<JournalEvent, { kind: "attemptLeased" }>): ViewAttempt => {
	const agentIds = [event.agentId, ...event.memberIds];
	const { nodes } = step.definition;
	const path = `${step.run.id}/${step.key}`;
	demand(agentIds.length === nodes, () => `${path} is leased to ${agentIds.length} agents, of ${nodes}`);
	demand(new Set(agentIds).size === nodes, () => `${path} is leased to one agent twice: ${agentIds}`);
	return { id: event.attemptId, agentIds, endedRanks: new Map(), status: "leased", end: null };
};

const newest = (step: ViewStep, attemptId: string): ViewAttempt => {
	demand(step.attempt?.id === attemptId, () => `${attemptId} is not the newest attempt of ${step.run.id}/${step.key}`);
	return step.attempt as ViewAttempt;
};
