/** Stories about the core, each told twice: under one leader, and under a new one after every single input. */

import { describe, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Input } from "#coordinator/core/inputs.ts";
import type { AgentMode, Failure, FailureCause, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId, RunId } from "#shared/ids.ts";
import type { CachePolicy, Condition, RetryPolicy } from "#shared/pipeline/definition.ts";
import { CoreMesh } from "./core-mesh.ts";

type Events<Kind extends JournalEvent["kind"]> = Extract<JournalEvent, { kind: Kind }>[];

export class StoryMesh extends CoreMesh {
	/** A new leader after every input; not while the mesh is being made. */
	manyLeaders = false;
	readonly #agents = new Map<AgentId, Parameters<CoreMesh["agent"]>>();
	readonly #held = new Map<AttemptId, { task: Task; started: boolean; agentId: AgentId }>();
	readonly #silent = new Map<AgentId, Parameters<CoreMesh["agent"]>>();
	#changing = false;

	override give(...inputs: Input[]): JournalEvent[] {
		const events = super.give(...inputs);
		if (this.manyLeaders && !this.#changing) this.handOver();
		return events;
	}

	override agent(...about: Parameters<CoreMesh["agent"]>): AgentId {
		this.#agents.set(about[0] as AgentId, about);
		return super.agent(...about);
	}

	override takeTask(stepKey: string): Task {
		const task = super.takeTask(stepKey);
		this.#held.set(task.attemptId, { task, started: false, agentId: this.holder(task) });
		return task;
	}

	override start(...[task, agentId]: Parameters<CoreMesh["start"]>): void {
		const held = this.#held.get(task.attemptId);
		if (held) held.started = true;
		super.start(task, agentId ?? this.holder(task));
	}

	override finish(...[task, ...rest]: Parameters<CoreMesh["finish"]>): JournalEvent[] {
		this.#held.delete(task.attemptId);
		return super.finish(task, ...rest);
	}

	override decline(task: Task, reason: string): void {
		this.#held.delete(task.attemptId);
		super.decline(task, reason);
	}

	/** A new leader; agents go on, and are heard. */
	handOver(): void {
		this.#changing = true;
		this.tasks = [];
		this.restart();
		for (const about of this.#agents.values()) super.agent(...about);
		this.tasks = this.tasks.filter(({ attemptId }) => !this.#held.has(attemptId));
		this.#changing = false;
	}

	/** What the agent runs is in every one of its heartbeats. */
	override beat(agentId: AgentId, running?: Task[], sessionId?: string, phase?: "accepted" | "running" | "finished") {
		const held = [...this.#held.values()].filter((each) => each.agentId === agentId && each.started);
		const listed = running ?? held.map(({ task }) => task);
		return this.#underOne(() => super.beat(agentId, listed, sessionId, phase));
	}

	/** An agent that has started anew, and knows nothing. */
	forget(agentId: AgentId, sessionId: string): void {
		for (const [id, held] of this.#held) if (held.agentId === agentId) this.#held.delete(id);
		this.#underOne(() => {
			this.beat(agentId, [], sessionId);
			this.beat(agentId, [], sessionId);
		});
	}

	/** Time passes while all agents are heard. */
	wait(ms: number): void {
		this.nowMs += ms;
		for (const agentId of this.#agents.keys()) this.beat(agentId);
		this.give({ kind: "tick" });
	}

	/** The agent falls silent until its lease is over: under one leader, for a new one would grant a fresh lease. */
	lose(agentId: AgentId): void {
		const about = this.#agents.get(agentId);
		if (about) this.#silent.set(agentId, about);
		this.#agents.delete(agentId);
		this.#underOne(() => {
			this.wait(20_000);
			this.wait(20_000);
		});
	}

	/** A silent agent is back. */
	comeBack(agentId: AgentId): void {
		const about = this.#silent.get(agentId);
		if (about) this.#agents.set(agentId, about);
	}

	/** What one leader must live to see; a new one comes after it. */
	#underOne<T>(act: () => T): T {
		const before = this.#changing;
		this.#changing = true;
		const result = act();
		this.#changing = before;
		if (this.manyLeaders && !before) this.handOver();
		return result;
	}

	cancelStep(runId: RunId, stepKey: string, reason = "not needed"): void {
		this.give({ kind: "cancelStep", runId, stepKey: stepKey as never, reason });
	}

	cancelRun(runId: RunId, reason = "asked"): void {
		this.give({ kind: "cancelRun", runId, reason });
	}

	setMode(agent: string, mode: AgentMode, reason = "", leave = false): void {
		this.give({ kind: "setAgentMode", agentId: agent as AgentId, mode, reason, by: "ada", leave });
	}

	answer(runId: RunId, stepKey: string, approved: boolean, comment = ""): void {
		this.give({ kind: "answerApproval", runId, stepKey: stepKey as never, approved, by: "ada", comment });
	}

	fail(task: Task, cause: FailureCause = "error", more: Partial<Failure> = {}): void {
		this.finish(task, "failed", { failure: { cause, message: cause, signal: "", ...more } });
	}

	/** Of the run, in the order of their names: what is not settled yet by its state now. */
	steps(runId: RunId): Record<string, string> {
		const live = [...(this.state.runs.get(runId)?.steps.values() ?? [])].map(({ key, status }) => [key, status]);
		return { ...this.settled(runId), ...Object.fromEntries(live) };
	}

	/** What is said of a step's end. */
	word(runId: RunId, stepKey: string): string {
		const settled = this.events("stepSettled", runId).find((event) => event.stepKey === stepKey);
		return settled?.failure ? `${settled.failure.cause}: ${settled.failure.message}` : (settled?.reason ?? "");
	}

	events<Kind extends JournalEvent["kind"]>(kind: Kind, runId?: RunId): Events<Kind> {
		return this.journal.filter(
			(event) => event.kind === kind && (runId === undefined || ("runId" in event && event.runId === runId)),
		) as Events<Kind>;
	}
}

export const story = (name: string, tell: (mesh: StoryMesh) => void): void => {
	describe(name, () => {
		it("under one leader", () => tell(new StoryMesh()));
		it("under a new leader after every input", () => {
			const mesh = new StoryMesh();
			mesh.manyLeaders = true;
			tell(mesh);
		});
	});
};

const STATUS_AWARE = /\b(?:succeeded|failed|always)\(\)|\.state\b/;

export const when = (source: string): { condition: Condition } => ({
	condition: { source, statusAware: STATUS_AWARE.test(source) },
});

export const retries = (changes: Partial<RetryPolicy>): { retries: RetryPolicy } => ({
	retries: { max: 0, on: ["error", "timeout"], exitCodes: [], delayMs: 1000, backoff: 2, lost: 3, ...changes },
});

export const cached = (ttlMs = 0): { cache: CachePolicy } => ({ cache: { ttlMs } });
