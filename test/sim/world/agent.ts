/** An agent's process around the real core, on a host that outlives it, with a clock of its own. */

import type { Command } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Exit, Input } from "#agent/core/inputs.ts";
import { type AgentState, createState, type Stop } from "#agent/core/state.ts";
import type { Control, DesiredServing, Failure, HeartbeatReply, ReplicaStatus, Report, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { advertCodec, heartbeatCodec, reportCodec } from "#shared/wire/codec.ts";
import type { Behaviour } from "./behaviour.ts";
import { Host, type HostRecord, outcomeOf } from "./host.ts";
import { Line, throughBytes, throughSomeBytes } from "./network.ts";
import type { World } from "./world.ts";

const BEAT_MS = 2_000;
const KILLED: Omit<Exit, "signal"> = { exitCode: null, vanished: "", atMs: 0 };

export class SimAgent {
	readonly id: AgentId;
	readonly capacity: { cpuMillis: number; memoryBytes: number };
	readonly world: World;
	readonly behave: (task: Task) => Behaviour;
	readonly host = new Host();
	/** Of its clock, against the world's. Chance moves it while the process is down. */
	clockOffsetMs = 0;
	alive = false;
	partitioned = false;
	draining = false;
	#line: Line;
	#state: AgentState;
	#life = 0;
	#deliveries = new Map<number, () => void>();
	#delivery = 0;
	#endings: (() => void)[] = [];
	#replicas = new Map<string, ReplicaStatus>();

	constructor(id: string, capacity: SimAgent["capacity"], world: World, behave: SimAgent["behave"]) {
		this.id = id as AgentId;
		this.capacity = capacity;
		this.world = world;
		this.behave = behave;
		this.#line = world.nats.line();
		this.#state = this.#fresh();
	}

	get state(): AgentState {
		return this.#state;
	}

	start(): void {
		this.alive = true;
		this.draining = false;
		this.#life += 1;
		this.#state = this.#fresh();
		const { nats } = this.world;
		this.#line = new Line(nats);
		this.#give({ kind: "recovered", attempts: this.host.recovered(), settled: [...this.host.settled] });
		const stopConsuming = nats.queues.consume(subjects.task(this.id), (task, acknowledge) => {
			if (this.partitioned) return;
			const delivery = this.#delivery++;
			this.#deliveries.set(delivery, acknowledge);
			this.#give({ kind: "taskReceived", delivery, task: task as Task });
		});
		this.#replicas = new Map();
		const advertise = (): void => this.#advertise();
		nats.reconnected.add(advertise);
		const stopWatching = nats.watch(`serving.${this.id}`, (desired) => this.#serve(desired as DesiredServing));
		this.#endings = [stopConsuming, stopWatching, () => nats.reconnected.delete(advertise)];
		this.#advertise();
		this.#beat(this.#life);
	}

	kill(): void {
		this.alive = false;
		for (const end of this.#endings) end();
		this.#deliveries = new Map();
	}

	reboot(): void {
		this.kill();
		this.host.reboot(this.#nowMs());
	}

	drain(): void {
		this.draining = true;
		this.#give({ kind: "drainAsked" });
	}

	control({ leaderEpoch, stop }: Control): void {
		if (!this.alive || this.partitioned) return;
		for (const { attemptId, reason } of stop) this.#give({ kind: "stopAsked", leaderEpoch, attemptId, reason });
	}

	heartbeatReplied(session: string, reply: HeartbeatReply): void {
		if (!this.alive || this.partitioned || session !== String(this.#life)) return;
		this.#give({ kind: "heartbeatReplied", reply });
	}

	#nowMs(): number {
		return this.world.schedule.nowMs + this.clockOffsetMs;
	}

	#fresh(): AgentState {
		return createState(this.id, { ...this.capacity, gpus: [] });
	}

	#give(input: Input): void {
		for (const command of handle(this.#state, input, this.#nowMs())) this.#carryOut(command);
	}

	/** Something of this life, later; a process that died meanwhile never hears of it. */
	#later(delayMs: number, run: () => void): void {
		const life = this.#life;
		this.world.schedule.after(delayMs, () => {
			if (this.alive && this.#life === life) run();
		});
	}

	#soon(maxMs: number, input: Input): void {
		this.#later(this.world.random.below(maxMs), () => this.#give(input));
	}

	#carryOut(command: Command): void {
		switch (command.kind) {
			case "acknowledge":
				this.#deliveries.get(command.delivery)?.();
				this.#deliveries.delete(command.delivery);
				return;
			case "persist":
				return this.#persist(command.task);
			case "prepare": {
				const { attemptId } = command.task;
				if (this.behave(command.task).refusal !== "prepare") return this.#soon(300, { kind: "prepared", attemptId });
				return this.#soon(300, { kind: "prepareFailed", attemptId, failure: failureOf("input") });
			}
			case "abortPrepare":
				return;
			case "launch":
				return this.#launch(command.task, command.gpuIds);
			case "follow": {
				const record = this.host.disk.get(command.task.attemptId);
				if (record?.exit) this.#give({ kind: "exited", attemptId: command.task.attemptId, exit: record.exit });
				return;
			}
			case "signal":
				return this.#signal(command.attemptId, command.signal, command.stop);
			case "wake":
				return this.#later(command.atMs - this.#nowMs(), () =>
					this.#give({ kind: "woken", attemptId: command.attemptId }),
				);
			case "collect": {
				const { task, ending } = command;
				const outcome = outcomeOf(task, ending, this.behave(task), this.id);
				return this.#later(this.world.random.below(50), () => {
					const record = this.host.disk.get(task.attemptId);
					if (record) record.outcome = outcome;
					this.#give({ kind: "outcomeReady", attemptId: task.attemptId, outcome });
				});
			}
			case "report":
				return this.#report(throughBytes(reportCodec, command.report));
			case "forget":
				this.host.settled.push(command.attemptId);
				this.host.disk.delete(command.attemptId);
				return;
			case "discard":
				this.host.disk.delete(command.attemptId);
				return;
		}
	}

	#persist(task: Task): void {
		const { attemptId } = task;
		this.#later(this.world.random.below(5), () => {
			if (this.behave(task).refusal === "disk" && !this.host.disk.has(attemptId)) {
				return this.#give({ kind: "taskNotPersisted", attemptId, reason: "the disk is full" });
			}
			this.host.persist(task);
			this.#give({ kind: "taskPersisted", attemptId });
		});
	}

	#launch(task: Task, gpuIds: string[]): void {
		const record = this.host.disk.get(task.attemptId);
		if (!record) throw new Error(`${task.attemptId} is launched without a record on disk`);
		const { attemptId } = task;
		const { runsMs, exitCode, refusal } = this.behave(task);
		if (refusal === "launch") return this.#soon(10, { kind: "launchFailed", attemptId, failure: failureOf("launch") });
		record.startedAtMs = this.#nowMs();
		record.gpuIds = gpuIds;
		record.running = this.world.schedule.after(runsMs, () => this.#end(record, { ...KILLED, exitCode, signal: "" }));
		this.world.launched(this, task);
		const { startedAtMs } = record;
		this.#later(1, () => this.#give({ kind: "launched", attemptId, startedAtMs }));
	}

	/** The step's process ends, whether or not an agent is there to see it. */
	#end(record: HostRecord, exit: Exit): void {
		record.running = null;
		record.exit = { ...exit, atMs: this.#nowMs() };
		if (this.alive) this.#give({ kind: "exited", attemptId: record.task.attemptId, exit: record.exit });
	}

	#signal(attemptId: AttemptId, signal: "SIGTERM" | "SIGKILL", stop: Stop): void {
		const record = this.host.disk.get(attemptId);
		if (!record) return;
		record.stop = stop;
		if (!record.running || (signal === "SIGTERM" && this.behave(record.task).ignoresTerm)) return;
		record.running.cancelled = true;
		record.running = this.world.schedule.after(this.world.random.below(500), () =>
			this.#end(record, { ...KILLED, signal }),
		);
	}

	#report(report: Report): void {
		const send = (): void => {
			const again = (): void => this.#later(1_000, send);
			if (this.partitioned) return again();
			this.world.nats.publish(this.#line, "reports", report.reportId, report, (stored) => {
				if (!stored) again();
			});
		};
		send();
	}

	#beat(life: number): void {
		if (!this.alive || this.#life !== life) return;
		const { nats, coordinators, schedule } = this.world;
		if (!this.partitioned) {
			const heartbeat = throughSomeBytes(nats, heartbeatCodec, {
				agentId: this.id,
				sessionId: `${this.id}-${life}`,
				atMs: this.#nowMs(),
				attempts: attemptStatuses(this.#state),
				load: null,
				draining: this.draining,
			});
			const replyTo = `${this.id}/${life}`;
			for (const leader of coordinators) {
				if (!leader.leads) continue;
				nats.send(this.#line, () => {
					if (!leader.paused) leader.take({ kind: "heartbeatReceived", heartbeat, replyTo });
				});
			}
		}
		schedule.after(BEAT_MS, () => this.#beat(life));
	}

	/** Loads for a while, then says so in its advert; now and then a model does not do. */
	#serve({ replicas }: DesiredServing): void {
		for (const { deployment, version, revision } of replicas) {
			if (this.#replicas.get(deployment)?.revision === revision) continue;
			this.#later(this.world.random.below(2_000), () => {
				const state = (version * 7 + revision) % 11 === 0 ? "failed" : "serving";
				const endpoint = `http://${this.id}`;
				this.#replicas.set(deployment, { deployment, version, revision, state, detail: "", endpoint });
				this.#advertise();
			});
		}
	}

	#advertise(): void {
		const { nats } = this.world;
		const advert = throughSomeBytes(nats, advertCodec, {
			agentId: this.id,
			name: this.id,
			version: "sim",
			labels: {},
			fingerprint: null,
			capacity: { ...this.capacity, gpu: null },
			endpoints: { grpc: `${this.id}:1`, serving: `http://${this.id}` },
			cordoned: false,
			atMs: this.#nowMs(),
			replicas: [...this.#replicas.values()],
		});
		nats.put(this.#line, `advert.${this.id}`, advert);
	}
}

const failureOf = (cause: Failure["cause"]): Failure => ({ cause, message: "", signal: "" });
