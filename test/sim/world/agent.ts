/** An agent's process around the real core, on a host that outlives it, with a clock of its own. */

import type { Command } from "#agent/core/commands.ts";
import { attemptStatuses, handle } from "#agent/core/core.ts";
import type { Exit, Input } from "#agent/core/inputs.ts";
import { type AgentState, type Closure, closedReason, createState, type Stop } from "#agent/core/state.ts";
import { mayLeave } from "#agent/core/stay.ts";
import type {
	Control,
	DesiredServing,
	Failure,
	HeartbeatReply,
	ReplicaStatus,
	Report,
	Task,
	Usable,
} from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { advertCodec, heartbeatCodec, reportCodec } from "#shared/wire/codec.ts";
import type { Behaviour } from "./behaviour.ts";
import { Host, type HostRecord, outcomeOf } from "./host.ts";
import { Line, throughBytes, throughSomeBytes } from "./network.ts";
import { demand } from "./seen.ts";
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
	/** In this life or an earlier one it has wished to go. */
	hasDrained = false;
	/** What its owner has said, whether or not it runs. */
	#closure: Closure = { reason: "", running: "finish" };
	#usable: Usable | null = null;
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
		this.owner(this.#closure, this.#usable);
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
		this.hasDrained = true;
		this.#give({ kind: "drainAsked" });
	}

	/** Its owner takes the machine, or gives it back, or uses some of it. */
	owner(closure: Closure, usable: Usable | null): void {
		this.#closure = closure;
		this.#usable = usable;
		if (!this.alive) return;
		this.#give({ kind: "closedChanged", by: "owner", ...closure });
		const { cpuMillis, memoryBytes } = this.capacity;
		this.#give({ kind: "usableKnown", usable: usable ?? { cpuMillis, memoryBytes, diskBytes: 0, devices: [] } });
	}

	/** The network is whole again: it connects anew, and says who it is. */
	rejoin(): void {
		this.partitioned = false;
		if (this.alive) this.#advertise();
	}

	/** For good, until somebody starts it again. */
	#leave(): void {
		const { nats, random, schedule, isHealed } = this.world;
		demand(this.host.disk.size === 0, () => `${this.id} leaves with ${[...this.host.disk.keys()]} on disk`);
		nats.remove(this.#line, `advert.${this.id}`);
		this.kill();
		schedule.after(isHealed ? 1_000 : 1_000 + random.below(60_000), () => {
			if (!this.alive) this.start();
		});
	}

	control({ leaderEpoch, stop }: Control): void {
		if (!this.alive || this.partitioned) return;
		for (const { attemptId, reason } of stop) this.#give({ kind: "stopAsked", leaderEpoch, attemptId, reason });
	}

	heartbeatReplied(session: string, reply: HeartbeatReply): void {
		if (!this.alive || this.partitioned || session !== String(this.#life)) return;
		this.#give({ kind: "heartbeatReplied", reply });
		if (reply.advertise) this.#advertise();
		if (mayLeave(this.#state)) this.#leave();
	}

	#nowMs(): number {
		return this.world.schedule.nowMs + this.clockOffsetMs;
	}

	#fresh(): AgentState {
		return createState(this.id, { ...this.capacity, diskBytes: 0, named: {}, gpus: [] });
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
			case "pause":
			case "resume":
				return this.#pause(command);
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
		const { runsMs, refusal } = this.behave(task);
		if (refusal === "launch") return this.#soon(10, { kind: "launchFailed", attemptId, failure: failureOf("launch") });
		record.startedAtMs = this.#nowMs();
		record.gpuIds = gpuIds;
		this.#run(record, runsMs);
		this.world.launched(this, task);
		const { startedAtMs } = record;
		this.#later(1, () => this.#give({ kind: "launched", attemptId, startedAtMs }));
	}

	#run(record: HostRecord, forMs: number): void {
		const { schedule } = this.world;
		const { exitCode } = this.behave(record.task);
		record.endsAtMs = schedule.nowMs + forMs;
		record.running = schedule.after(forMs, () => this.#end(record, { ...KILLED, exitCode, signal: "" }));
	}

	#pause({ kind, attemptId, pause }: Extract<Command, { kind: "pause" | "resume" }>): void {
		const record = this.host.disk.get(attemptId);
		if (!record) return;
		record.pause = pause;
		if (!record.running) return;
		if (kind === "pause" && record.leftMs === null) {
			record.running.cancelled = true;
			record.leftMs = record.endsAtMs - this.world.schedule.nowMs;
		} else if (kind === "resume" && record.leftMs !== null) {
			const { leftMs } = record;
			record.leftMs = null;
			this.#run(record, leftMs);
		}
	}

	/** The step's process ends, whether or not an agent is there to see it. */
	#end(record: HostRecord, exit: Exit): void {
		demand(record.leftMs === null, () => `${record.task.attemptId} ends by itself while it stands still`);
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
		record.leftMs = null;
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
				usable: this.#usable,
				closed: closedReason(this.#state),
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
			capacity: { ...this.capacity, gpu: null, diskBytes: 0, named: {} },
			endpoints: { grpc: `${this.id}:1`, serving: `http://${this.id}` },
			cordoned: false,
			atMs: this.#nowMs(),
			replicas: [...this.#replicas.values()],
		});
		nats.put(this.#line, `advert.${this.id}`, advert);
	}
}

const failureOf = (cause: Failure["cause"]): Failure => ({ cause, message: "", signal: "" });
