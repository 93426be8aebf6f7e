/** The coordinator's core with a hand on every input: what tests of it speak to. */

import { apply } from "#coordinator/core/apply.ts";
import { decide } from "#coordinator/core/decide.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Effect, Input } from "#coordinator/core/inputs.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import { defaultCoreOptions } from "#coordinator/core/turn.ts";
import { batchCodec, SCHEMA_VERSION } from "#coordinator/journal/codec.ts";
import type { AttemptPhase, CodeUse, Failure, Heartbeat, Metric, Outcome, Task, Usage } from "#shared/domain.ts";
import { type AgentId, memberId, type RunId } from "#shared/ids.ts";
import type { PipelineDefinition } from "#shared/pipeline/definition.ts";
import { gpuOf } from "./gpus.ts";

interface Result {
	failure?: Failure;
	metrics?: Metric[];
	outputs?: string[];
	/** What outputs say. */
	values?: Record<string, unknown>;
	codeUse?: CodeUse;
	usage?: Usage;
	agentId?: AgentId;
}

export class CoreMesh {
	state: MeshState = newMeshState();
	nowMs = 1_000_000;
	journal: JournalEvent[] = [];
	/** Tasks sent and not yet looked at. */
	tasks: Task[] = [];
	effects: Effect[] = [];
	#reports = 0;

	constructor() {
		this.give({ kind: "leadershipGained", coordinatorId: "c1", epoch: 1 });
	}

	give(...inputs: Input[]): JournalEvent[] {
		const turn = decide(this.state, inputs, this.nowMs, defaultCoreOptions);
		const [refusal] = turn.refused;
		if (refusal) throw refusal.error;
		const [defect] = turn.defects;
		if (defect) throw defect.error;
		// Through the real codec, as the journal would have it.
		const bytes = batchCodec.encode({
			schemaVersion: SCHEMA_VERSION,
			leaderEpoch: this.state.epoch,
			batchId: "b",
			events: turn.events,
		});
		this.journal.push(...batchCodec.decode(bytes).events);
		this.effects.push(...turn.effects);
		for (const effect of turn.effects) if (effect.kind === "sendTask") this.tasks.push(effect.task);
		return turn.events;
	}

	/** A new leader that knows only the journal. */
	restart(): void {
		this.state = newMeshState();
		for (const event of this.journal) apply(this.state, event);
		this.give({ kind: "leadershipGained", coordinatorId: "c2", epoch: this.state.epoch + 1 });
	}

	agent(
		name: string,
		cpu = 2,
		changes: { labels?: Record<string, string>; gpus?: number; runtimes?: Record<string, string> } = {},
	): AgentId {
		const agentId = name as AgentId;
		const gpus = Array.from({ length: changes.gpus ?? 0 }, (_, index) =>
			gpuOf(`GPU-${index}`, 40e9, { model: "A100" }),
		);
		this.give({
			kind: "advertReceived",
			advert: {
				agentId,
				name,
				version: "0",
				labels: changes.labels ?? {},
				fingerprint: {
					hostname: name,
					os: "linux",
					arch: "x64",
					kernel: "",
					cpuModel: "",
					cpuCores: cpu,
					memoryBytes: 8e9,
					diskBytes: 1e12,
					...{ cpuSockets: 1, numaNodes: 1, swapBytes: 0, network: [], cgroup: "", limits: {} },
					gpus,
					runtimes: changes.runtimes ?? {},
					problems: {},
				},
				capacity: { cpuMillis: cpu * 1000, memoryBytes: 8e9, gpu: null, diskBytes: 0, named: {} },
				endpoints: { grpc: `${name}:1`, serving: "" },
				cordoned: false,
				atMs: this.nowMs,
				replicas: [],
			},
		});
		this.beat(agentId);
		return agentId;
	}

	/** A heartbeat that lists `running`; returns the answer. */
	beat(
		agentId: AgentId,
		running: Task[] = [],
		sessionId = "s1",
		phase: AttemptPhase = "running",
		more: Partial<Heartbeat> = {},
	) {
		this.give({
			kind: "heartbeatReceived",
			replyTo: "inbox",
			heartbeat: {
				agentId,
				sessionId,
				atMs: this.nowMs,
				attempts: running.map(({ attemptId, fence }) => ({ attemptId, fence, phase })),
				load: null,
				draining: false,
				usable: null,
				closed: "",
				...more,
			},
		});
		const reply = this.effects.findLast((effect) => effect.kind === "replyHeartbeat");
		if (reply?.kind !== "replyHeartbeat") throw new Error("no reply");
		return reply.reply;
	}

	submit(
		definition: PipelineDefinition,
		run: string = "r1",
		more: Partial<Extract<Input, { kind: "submitRun" }>> = {},
	): RunId {
		const runId = run as RunId;
		this.give({
			...{ kind: "submitRun", runId, definition, params: {}, submitter: "t", code: null, submissionId: run },
			...{ reused: [], leftOut: [], cacheMode: "use", basedOn: "" },
			...more,
		});
		return runId;
	}

	cordon(agentId: string): void {
		const advert = this.state.agents.get(agentId as AgentId)?.advert;
		if (!advert) throw new Error(`${agentId} has not advertised`);
		this.give({ kind: "advertReceived", advert: { ...advert, cordoned: true } });
	}

	takeTask(stepKey: string): Task {
		const at = this.tasks.findIndex((task) => task.stepKey === stepKey);
		const [task] = at < 0 ? [] : this.tasks.splice(at, 1);
		if (!task)
			throw new Error(`no task for ${stepKey}; there are ${this.tasks.map((each) => each.stepKey).join(", ")}`);
		return task;
	}

	start(task: Task, agentId = this.holder(task)): void {
		this.#report(agentId, { kind: "attemptStarted", attempt: task });
	}

	finish(task: Task, outcome: Outcome = "succeeded", more: Result = {}): JournalEvent[] {
		const agentId = more.agentId ?? this.holder(task);
		return this.#report(agentId, {
			kind: "attemptFinished",
			attempt: task,
			outcome,
			failure: more.failure ?? (outcome === "failed" ? { cause: "error", message: "exit 1", signal: "" } : null),
			outputs: (more.outputs ?? task.outputs.map(({ name }) => name)).map((name) => ({
				name,
				digest: `sha256:${"0".repeat(64)}` as never,
				sizeBytes: 1,
				fileCount: 1,
				holders: [agentId],
				...(more.values?.[name] === undefined ? {} : { valueJson: JSON.stringify(more.values[name]) }),
			})),
			metrics: more.metrics ?? [],
			startedAtMs: this.nowMs,
			finishedAtMs: this.nowMs,
			logBytes: 0,
			logDroppedBytes: 0,
			codeUse: more.codeUse ?? null,
			usage: more.usage ?? null,
		});
	}

	decline(task: Task, reason: string): void {
		this.#report(this.holder(task), { kind: "attemptDeclined", attempt: task, reason });
	}

	replica(agentId: AgentId, deployment: string, version: number, revision: number, state: "serving" | "failed"): void {
		const advert = this.state.agents.get(agentId)?.advert;
		if (!advert) throw new Error(`${agentId} has not advertised`);
		const status = { deployment, version, revision, state, detail: state, endpoint: `http://${agentId}` };
		this.give({ kind: "advertReceived", advert: { ...advert, replicas: [status] } });
	}

	holder(task: Task): AgentId {
		const rank = task.gang?.rank ?? 0;
		const leased = this.journal.findLast(
			(event) => event.kind === "attemptLeased" && memberId(event.attemptId, rank) === task.attemptId,
		);
		if (leased?.kind !== "attemptLeased") throw new Error(`${task.attemptId} was never leased`);
		return [leased.agentId, ...leased.memberIds][rank] as AgentId;
	}

	settled(runId: RunId): Record<string, string> {
		const words: Record<string, string> = {};
		for (const event of this.journal) {
			if (event.kind === "stepSettled" && event.runId === runId) words[event.stepKey] = event.state;
		}
		return words;
	}

	outcome(runId: RunId): string | null {
		const finished = this.journal.filter((event) => event.kind === "runFinished" && event.runId === runId);
		if (finished.length > 1) throw new Error("a run finished twice");
		return finished[0]?.kind === "runFinished" ? finished[0].state : null;
	}

	#report(agentId: AgentId, body: Extract<Input, { kind: "reportReceived" }>["report"]["body"]): JournalEvent[] {
		this.#reports += 1;
		return this.give({
			kind: "reportReceived",
			report: { reportId: String(this.#reports), agentId, atMs: this.nowMs, body },
		});
	}
}
