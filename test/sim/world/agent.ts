/** An agent process around the real core, on a host whose disk and running steps outlive it. */

import type { Command, Ending } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Exit, Input, RecoveredAttempt } from "#agent/core/inputs.ts";
import { type AgentState, createState, type FinishedBody, type Stop } from "#agent/core/state.ts";
import type { Control, HeartbeatReply, ReplicaStatus, Report, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import type { Random } from "#shared/random.ts";
import { subjects } from "#shared/subjects.ts";
import { advertCodec, desiredServingCodec, heartbeatCodec, reportCodec, taskCodec } from "#shared/wire/codec.ts";
import type { SimCoordinator } from "./coordinator.ts";
import type { JetStream } from "./jetstream.ts";
import type { Schedule, Timer } from "./schedule.ts";

/** What a step does when it runs. */
export interface Behaviour {
	runsMs: number;
	exitCode: number;
	ignoresTerm: boolean;
}

export interface HostRecord {
	task: Task;
	startedAtMs: number;
	gpuIds: string[];
	stop: Stop | null;
	exit: Exit | null;
	outcome: FinishedBody | null;
	running: Timer | null;
}

const BEAT_MS = 2_000;

export class SimAgent {
	readonly cpuMillis: number;
	readonly schedule: Schedule;
	readonly nats: JetStream;
	readonly random: Random;
	readonly behave: (task: Task) => Behaviour;
	readonly leaders: () => SimCoordinator[];
	readonly id: AgentId;
	alive = false;
	partitioned = false;
	/** Survives the process. */
	readonly disk = new Map<AttemptId, HostRecord>();
	readonly settled: AttemptId[] = [];
	/** Launches of each attempt, for the invariant. */
	readonly launches = new Map<AttemptId, number>();
	#state: AgentState;
	#life = 0;
	#deliveries = new Map<number, () => void>();
	#delivery = 0;
	#stopConsuming = (): void => {};
	#replicas = new Map<string, ReplicaStatus>();

	constructor(
		name: string,
		cpuMillis: number,
		schedule: Schedule,
		nats: JetStream,
		random: Random,
		behave: (task: Task) => Behaviour,
		leaders: () => SimCoordinator[],
	) {
		this.cpuMillis = cpuMillis;
		this.schedule = schedule;
		this.nats = nats;
		this.random = random;
		this.behave = behave;
		this.leaders = leaders;

		this.id = name as AgentId;
		this.#state = this.#fresh();
	}

	get state(): AgentState {
		return this.#state;
	}

	/** CPU of what runs on the host now. */
	usedCpuMillis(): number {
		let used = 0;
		for (const { running, task } of this.disk.values()) if (running) used += task.resources.cpuMillis;
		return used;
	}

	start(): void {
		this.alive = true;
		this.#life += 1;
		this.#state = this.#fresh();
		const attempts = [...this.disk.values()].map((record): RecoveredAttempt => {
			const { task, startedAtMs, gpuIds, stop } = record;
			return { task, startedAtMs, gpuIds, stop, progress: progressOf(record) };
		});
		this.#give({ kind: "recovered", attempts, settled: [...this.settled] });
		this.#stopConsuming = this.nats.consume(subjects.task(this.id), (data, acknowledge) => {
			if (this.partitioned) return;
			const delivery = this.#delivery++;
			this.#deliveries.set(delivery, acknowledge);
			this.#give({ kind: "taskReceived", delivery, task: taskCodec.decode(data) });
		}).stop;
		this.#replicas = new Map();
		this.#advertise();
		this.nats.watch(`serving.${this.id}`, (data) => this.#serve(data));
		this.#beat(this.#life);
	}

	kill(): void {
		this.alive = false;
		this.#stopConsuming();
		this.#deliveries = new Map();
	}

	/** The machine goes down: nothing survives but the disk. */
	reboot(): void {
		this.kill();
		for (const record of this.disk.values()) {
			if (!record.running) continue;
			record.running.cancelled = true;
			record.running = null;
			record.exit = { exitCode: null, signal: "", vanished: "the machine restarted", atMs: this.schedule.nowMs };
		}
	}

	control(control: Control): void {
		if (!this.alive || this.partitioned) return;
		const { leaderEpoch } = control;
		for (const { attemptId, reason } of control.stop) this.#give({ kind: "stopAsked", leaderEpoch, attemptId, reason });
	}

	heartbeatReplied(session: string, reply: HeartbeatReply): void {
		if (!this.alive || this.partitioned || session !== String(this.#life)) return;
		this.#give({ kind: "heartbeatReplied", reply });
	}

	#fresh(): AgentState {
		return createState(this.id, { cpuMillis: this.cpuMillis, memoryBytes: 8e9, gpus: [] });
	}

	#give(input: Input): void {
		for (const command of handle(this.#state, input, this.schedule.nowMs)) this.#carryOut(command);
	}

	/** Something of this life, later; a process that died meanwhile never hears of it. */
	#later(delayMs: number, run: () => void): void {
		const life = this.#life;
		this.schedule.after(delayMs, () => {
			if (this.alive && this.#life === life) run();
		});
	}

	#carryOut(command: Command): void {
		switch (command.kind) {
			case "acknowledge":
				this.#deliveries.get(command.delivery)?.();
				this.#deliveries.delete(command.delivery);
				return;
			case "persist": {
				const { task } = command;
				this.#later(this.random.below(5), () => {
					const known = this.disk.get(task.attemptId);
					if (known) known.task = task;
					else this.disk.set(task.attemptId, emptyRecord(task));
					this.#give({ kind: "taskPersisted", attemptId: task.attemptId });
				});
				return;
			}
			case "prepare":
				return this.#later(this.random.below(300), () =>
					this.#give({ kind: "prepared", attemptId: command.task.attemptId }),
				);
			case "abortPrepare":
				return;
			case "launch":
				return this.#launch(command.task, command.gpuIds);
			case "follow": {
				const record = this.disk.get(command.task.attemptId);
				if (record?.exit) this.#give({ kind: "exited", attemptId: command.task.attemptId, exit: record.exit });
				return;
			}
			case "signal":
				return this.#signal(command.attemptId, command.signal, command.stop);
			case "wake":
				return this.#later(command.atMs - this.schedule.nowMs, () =>
					this.#give({ kind: "woken", attemptId: command.attemptId }),
				);
			case "collect":
				return this.#collect(command.task, command.ending);
			case "report":
				return this.#report(command.report);
			case "forget":
				this.settled.push(command.attemptId);
				this.disk.delete(command.attemptId);
				return;
			case "discard":
				this.disk.delete(command.attemptId);
				return;
		}
	}

	#launch(task: Task, gpuIds: string[]): void {
		const record = this.disk.get(task.attemptId);
		if (!record) throw new Error(`${task.attemptId} is launched without a record on disk`);
		this.launches.set(task.attemptId, (this.launches.get(task.attemptId) ?? 0) + 1);
		const { runsMs, exitCode } = this.behave(task);
		record.startedAtMs = this.schedule.nowMs;
		record.gpuIds = gpuIds;
		record.running = this.schedule.after(runsMs, () =>
			this.#end(record, { exitCode, signal: "", vanished: "", atMs: 0 }),
		);
		const { startedAtMs } = record;
		this.#later(1, () => this.#give({ kind: "launched", attemptId: task.attemptId, startedAtMs }));
	}

	/** The step's process ends, whether or not an agent is there to see it. */
	#end(record: HostRecord, exit: Exit): void {
		record.running = null;
		record.exit = { ...exit, atMs: this.schedule.nowMs };
		if (this.alive) this.#give({ kind: "exited", attemptId: record.task.attemptId, exit: record.exit });
	}

	#signal(attemptId: AttemptId, signal: "SIGTERM" | "SIGKILL", stop: Stop): void {
		const record = this.disk.get(attemptId);
		if (!record) return;
		record.stop = stop;
		if (!record.running || (signal === "SIGTERM" && this.behave(record.task).ignoresTerm)) return;
		record.running.cancelled = true;
		record.running = this.schedule.after(this.random.below(500), () =>
			this.#end(record, { exitCode: null, signal, vanished: "", atMs: 0 }),
		);
	}

	#collect(task: Task, ending: Ending): void {
		this.#later(this.random.below(50), () => {
			const record = this.disk.get(task.attemptId);
			const outcome = outcomeOf(task, ending, this.id);
			if (record) record.outcome = outcome;
			this.#give({ kind: "outcomeReady", attemptId: task.attemptId, outcome });
		});
	}

	#report(report: Report): void {
		const data = reportCodec.encode(report);
		const send = (): void => {
			const again = (): void => this.#later(1_000, send);
			if (this.partitioned) return again();
			this.nats.publish("reports", report.reportId, data, () => {}, again);
		};
		send();
	}

	#beat(life: number): void {
		if (!this.alive || this.#life !== life) return;
		const data = heartbeatCodec.encode({
			agentId: this.id,
			sessionId: `${this.id}-${life}`,
			atMs: this.schedule.nowMs,
			attempts: attemptStatuses(this.#state),
			load: null,
			draining: false,
		});
		const replyTo = `${this.id}/${life}`;
		if (!this.partitioned) {
			for (const leader of this.leaders()) {
				this.nats.send(() => {
					if (!leader.paused)
						leader.take({ kind: "heartbeatReceived", heartbeat: heartbeatCodec.decode(data), replyTo });
				});
			}
		}
		this.schedule.after(BEAT_MS, () => this.#beat(life));
	}

	/** Loads for a while, then says so in its advert. */
	#serve(data: Uint8Array): void {
		for (const { deployment, version, revision } of desiredServingCodec.decode(data).replicas) {
			if (this.#replicas.get(deployment)?.revision === revision) continue;
			this.#later(this.random.below(2_000), () => {
				const endpoint = `http://${this.id}`;
				this.#replicas.set(deployment, { deployment, version, revision, state: "serving", detail: "", endpoint });
				this.#advertise();
			});
		}
	}

	#advertise(): void {
		this.nats.put(`advert.${this.id}`, advertCodec.encode(this.#advert()));
	}

	#advert() {
		return {
			agentId: this.id,
			name: this.id,
			version: "sim",
			labels: {},
			fingerprint: null,
			capacity: { cpuMillis: this.cpuMillis, memoryBytes: 8e9, gpu: null },
			endpoints: { grpc: `${this.id}:1`, serving: `http://${this.id}` },
			cordoned: false,
			atMs: this.schedule.nowMs,
			replicas: [...this.#replicas.values()],
		};
	}
}

const emptyRecord = (task: Task): HostRecord => ({
	task,
	startedAtMs: 0,
	gpuIds: [],
	stop: null,
	exit: null,
	outcome: null,
	running: null,
});

const progressOf = ({ outcome, exit, running }: HostRecord): RecoveredAttempt["progress"] => {
	if (outcome) return { kind: "finished", outcome };
	if (running) return { kind: "running" };
	return exit ? { kind: "exited", exit } : { kind: "accepted" };
};

const outcomeOf = (task: Task, ending: Ending, holder: AgentId): FinishedBody => {
	const { runId, stepKey, attemptId, fence } = task;
	const exit = ending.kind === "exited" ? ending.exit : null;
	const stop = ending.kind === "exited" ? ending.stop : null;
	const failure = (cause: "error" | "timeout" | "lost") => ({ cause, message: "", signal: "" });
	const succeeded = exit?.exitCode === 0 && !stop;
	const cancelled = stop?.cause === "cancelled" || (ending.kind === "unstarted" && ending.outcome === "cancelled");
	return {
		kind: "attemptFinished",
		attempt: { runId, stepKey, attemptId, fence },
		outcome: succeeded ? "succeeded" : cancelled ? "cancelled" : "failed",
		failure: succeeded || cancelled ? null : failure(stop ? "timeout" : exit?.vanished ? "lost" : "error"),
		outputs: succeeded
			? task.outputs.map(({ name }) => ({
					name,
					digest: `sha256:${"0".repeat(64)}` as never,
					sizeBytes: 1,
					fileCount: 1,
					holders: [holder],
				}))
			: [],
		metrics: [{ name: "score", value: attemptId.length, step: 0 }],
		startedAtMs: 1,
		finishedAtMs: 2,
		logBytes: 0,
		logDroppedBytes: 0,
	};
};
