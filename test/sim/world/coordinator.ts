/** A coordinator process around the real core: group commit, effects after the journal, death at any moment. */

import { apply } from "#coordinator/core/apply.ts";
import { decide } from "#coordinator/core/decide.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Effect, Input } from "#coordinator/core/inputs.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import { defaultCoreOptions } from "#coordinator/core/turn.ts";
import { batchCodec, SCHEMA_VERSION } from "#coordinator/journal/codec.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import {
	advertCodec,
	controlCodec,
	desiredServingCodec,
	heartbeatReplyCodec,
	reportCodec,
	taskCodec,
} from "#shared/wire/codec.ts";
import type { SimAgent } from "./agent.ts";
import type { JetStream } from "./jetstream.ts";
import type { Schedule } from "./schedule.ts";

interface Waiting {
	input: Input;
	done(): void;
}

/** How long one that was deposed may go on without noticing. */
const RENEW_MS = 3_000;

export class SimCoordinator {
	readonly name: string;
	readonly schedule: Schedule;
	readonly nats: JetStream;
	readonly agents: readonly SimAgent[];
	readonly state: MeshState = newMeshState();
	alive = true;
	paused = false;
	#last = 0;
	#waiting: Waiting[] = [];
	#busy = false;
	#batches = 0;
	#renewedAtMs: number;
	#stopConsuming = (): void => {};

	constructor(name: string, schedule: Schedule, nats: JetStream, agents: readonly SimAgent[]) {
		this.name = name;
		this.schedule = schedule;
		this.nats = nats;
		this.agents = agents;

		nats.leader = name;
		this.#renewedAtMs = schedule.nowMs;
		for (const data of nats.journal) {
			for (const event of batchCodec.decode(data).events) apply(this.state, event);
		}
		this.#last = nats.journal.length;
		this.take({ kind: "leadershipGained", coordinatorId: name, epoch: this.state.epoch + 1 }, () => this.#lead());
	}

	take(input: Input, done: () => void = () => {}): void {
		if (!this.alive) return;
		this.#waiting.push({ input, done });
		this.#turn();
	}

	/** Nothing waits for the journal. */
	get idle(): boolean {
		return !this.#busy && this.#waiting.length === 0;
	}

	kill(): void {
		this.alive = false;
		this.#stopConsuming();
	}

	/** A process that is stopped and goes on later, believing that it still leads. */
	pause(ms: number): void {
		this.paused = true;
		this.schedule.after(ms, () => {
			this.paused = false;
			this.#turn();
		});
	}

	#lead(): void {
		const reports = this.nats.consume("reports", (data, acknowledge) => {
			if (!this.paused) this.take({ kind: "reportReceived", report: reportCodec.decode(data) }, acknowledge);
		});
		this.#stopConsuming = reports.stop;
		for (const agent of this.agents) {
			const advert = this.nats.get(`advert.${agent.id}`);
			if (advert) this.take({ kind: "advertReceived", advert: advertCodec.decode(advert) });
			this.nats.watch(`advert.${agent.id}`, (data) => {
				if (!this.paused) this.take({ kind: "advertReceived", advert: advertCodec.decode(data) });
			});
		}
		this.#tick();
	}

	#tick(): void {
		if (!this.alive) return;
		if (!this.paused) {
			if (this.schedule.nowMs - this.#renewedAtMs >= RENEW_MS && this.nats.up) {
				if (this.nats.leader !== this.name) return this.kill();
				this.#renewedAtMs = this.schedule.nowMs;
			}
			this.take({ kind: "tick" });
		}
		this.schedule.after(500, () => this.#tick());
	}

	#turn(): void {
		if (this.#busy || this.paused || !this.alive || this.#waiting.length === 0) return;
		this.#busy = true;
		const batch = this.#waiting.splice(0);
		const turn = decide(
			this.state,
			batch.map(({ input }) => input),
			this.schedule.nowMs,
			defaultCoreOptions,
		);
		const [refusal] = turn.refused;
		if (refusal) throw new Error(`the core refused ${JSON.stringify(refusal.input)}`, { cause: refusal.error });
		const finish = (): void => {
			if (!this.alive) return;
			// Paused between the journal's answer and the effects: they come late.
			if (this.paused) return void this.schedule.after(100, finish);
			for (const effect of turn.effects) this.#carryOut(effect);
			for (const { done } of batch) done();
			this.#busy = false;
			this.#turn();
		};
		this.#append(turn.events, finish);
	}

	/** In as many messages as chance wants: death may come between any two. */
	#append(rest: JournalEvent[], done: () => void): void {
		if (!this.alive) return;
		if (rest.length === 0) return done();
		const count = 1 + this.nats.random.below(2 * rest.length);
		const events = rest.slice(0, count);
		const batchId = `${this.name}-${this.#batches++}`;
		const data = batchCodec.encode({ schemaVersion: SCHEMA_VERSION, leaderEpoch: this.state.epoch, batchId, events });
		this.nats.append(batchId, data, this.#last, (sequence) => {
			if (sequence === null) return this.kill();
			this.#last = sequence;
			this.#append(rest.slice(count), done);
		});
	}

	#carryOut(effect: Effect): void {
		const agent = "agentId" in effect ? this.#agent(effect.agentId) : null;
		switch (effect.kind) {
			case "sendTask": {
				const lost = (): void => {};
				this.nats.publish(subjects.task(effect.agentId), effect.sendId, taskCodec.encode(effect.task), lost, lost);
				return;
			}
			case "sendControl": {
				const data = controlCodec.encode(effect.control);
				this.nats.send(() => agent?.control(controlCodec.decode(data)));
				return;
			}
			case "putServing":
				return this.nats.put(`serving.${effect.agentId}`, desiredServingCodec.encode(effect.desired));
			case "replyHeartbeat": {
				const data = heartbeatReplyCodec.encode(effect.reply);
				const [id, session] = effect.replyTo.split("/");
				this.nats.send(() =>
					this.#agent(id as AgentId)?.heartbeatReplied(session ?? "", heartbeatReplyCodec.decode(data)),
				);
				return;
			}
		}
	}

	#agent(id: AgentId): SimAgent | null {
		return this.agents.find((agent) => agent.id === id) ?? null;
	}
}
