/**
 * A coordinator's process around the real core: follows the journal, takes the lead, appends what the core decides to
 * the journal and to its own tail, and carries out effects only then. It may die, or stand still, at any moment.
 */

import { apply } from "#coordinator/core/apply.ts";
import { decide } from "#coordinator/core/decide.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Input } from "#coordinator/core/inputs.ts";
import { dumpState, restoreState, writeDump } from "#coordinator/core/snapshot.ts";
import { type MeshState, newMeshState, type Run } from "#coordinator/core/state.ts";
import { defaultCoreOptions, type Turn } from "#coordinator/core/turn.ts";
import { batchCodec, type JournalBatch, SCHEMA_VERSION } from "#coordinator/journal/codec.ts";
import { type Clock, clockFrom } from "#shared/clock.ts";
import type { Report } from "#shared/domain.ts";
import { carryOut } from "./effects.ts";
import type { Home } from "./home.ts";
import type { StoredBatch } from "./journal.ts";
import { type Line, throughBytes } from "./network.ts";
import type { World } from "./world.ts";

interface Waiting {
	input: Input;
	done(): void;
}

const TICK_MS = 500;
/** A tick comes so late on a busy machine too. */
const LATE_MS = 1_000;
const RENEW_MS = 3_000;
const LEASE_MS = 10_000;
/** Batches behind which a snapshot is taken, at random. */
const SNAPSHOT_EVERY = 15;

export class SimCoordinator {
	readonly name: string;
	readonly home: Home;
	readonly world: World;
	state: MeshState = newMeshState();
	clock: Clock;
	alive = true;
	paused = false;
	leads = false;
	readonly line: Line;
	/** Runs that it has led, kept for what ends within a turn; and when each agent was last heard: for the invariants. */
	readonly runs = new Map<string, Run>();
	readonly heardAtMs = new Map<string, number>();
	/** Of the journal. */
	#position = 0;
	/** Of the batch there; "" when none has been read. */
	#batchId = "";
	/** What its snapshot has. */
	#resumedAt = 0;
	#missing = new Map<number, StoredBatch>();
	#waiting: Waiting[] = [];
	#busy = false;
	#batches = 0;
	#tickedAtMs = 0;
	readonly #endings: (() => void)[] = [];

	constructor(name: string, home: Home, world: World) {
		this.name = name;
		this.home = home;
		this.world = world;
		this.line = world.nats.line();
		const { schedule } = world;
		const wall: Clock = { nowMs: () => schedule.nowMs + home.clockOffsetMs };
		this.clock = wall;
		this.#load();
		this.#follow();
		this.#seekLead(-1);
	}

	get isFromSnapshot(): boolean {
		return this.#resumedAt > 0;
	}

	get sequence(): number {
		return this.#position;
	}

	take(input: Input, done: () => void = () => {}): void {
		if (!this.alive || !this.leads) return;
		this.#waiting.push({ input, done });
		this.#turn();
	}

	kill(): void {
		if (!this.alive) return;
		this.alive = false;
		this.leads = false;
		this.home.tail.interrupt();
		for (const end of this.#endings) end();
	}

	/** A process that is stopped and goes on later, believing that it still leads. */
	pause(ms: number): void {
		this.paused = true;
		this.world.schedule.after(ms, () => {
			this.paused = false;
			this.#turn();
		});
	}

	/** No lease ran while nobody could be heard. */
	forgive(forMs: number): void {
		for (const [id, atMs] of this.heardAtMs) this.heardAtMs.set(id, atMs + forMs);
	}

	/** Later in this process's life; what stands still does it when it goes on. */
	later(delayMs: number, run: () => void): void {
		this.world.schedule.after(delayMs, () => {
			if (!this.alive) return;
			if (this.paused) return this.later(100, run);
			run();
		});
	}

	/** A snapshot, any that is kept, and what the journal has behind it. */
	#load(): void {
		const { nats, random } = this.world;
		this.#missing = this.home.tail.compare(nats.journal);
		const kept = this.world.snapshots.filter(({ sequence }) => sequence >= nats.journal.first - 1);
		const chosen = nats.journal.first > 1 || random.next() < 0.7 ? kept[random.below(kept.length)] : undefined;
		if (chosen) this.state = restoreState(chosen.parts);
		this.#resumedAt = chosen?.sequence ?? 0;
		// As replica.ts: what JetStream has lost is put back before it leads, what its own copy lacks is copied.
		const copied = Math.max(this.home.tail.last(), nats.journal.first - 1);
		this.#position = Math.min(this.#resumedAt, copied, nats.journal.last);
		this.#catchUp();
	}

	#catchUp(): void {
		const { journal } = this.world.nats;
		if (this.#position < journal.last) for (const batch of journal.from(this.#position + 1)) this.#replay(batch);
	}

	/** As replica.ts: what comes is compared with what was to be put back, and copied. */
	#replay(batch: StoredBatch): void {
		const mine = this.#missing.get(batch.sequence);
		this.#missing.delete(batch.sequence);
		const { tail } = this.home;
		if (mine && !tail.isSame(mine, batch)) {
			tail.cut(batch.sequence - 1);
			this.#missing.clear();
		}
		if (batch.sequence > tail.last()) tail.append(batch, batch.sequence - 1, () => {});
		this.#apply(batch);
	}

	#apply(batch: StoredBatch): void {
		if (batch.sequence > this.#resumedAt) for (const event of batch.events) apply(this.state, event);
		this.#position = batch.sequence;
		this.#batchId = batch.batchId;
	}

	/** As reader.ts: a server that lost power may have lost what was read last, and taken another. */
	#isReplaced(): boolean {
		const there = this.world.nats.journal.at(this.#position);
		return this.#batchId !== "" && there !== null && there.batchId !== this.#batchId;
	}

	#follow(): void {
		const stop = this.world.nats.journal.follow((batch) => {
			if (!this.leads) this.later(this.world.random.below(500), () => this.#catchUpTo(batch));
		});
		this.#endings.push(stop);
	}

	#catchUpTo({ sequence }: StoredBatch): void {
		if (this.leads || this.#busy || sequence <= this.#position) return;
		const { journal } = this.world.nats;
		if (this.#isReplaced()) return this.world.restart(this, "the journal has lost what it has read");
		if (this.#position + 1 < journal.first) return this.world.restart(this, "the journal was trimmed ahead of it");
		while (this.#position < sequence) {
			const next = journal.at(this.#position + 1);
			if (!next) return;
			this.#replay(next);
		}
	}

	/** As leadership.ts: its own lease at once, another's when it has not been renewed. */
	#seekLead(seenRevision: number): void {
		const { nats, random } = this.world;
		this.later(1 + random.below(2 * nats.faults.delayMaxMs), () => {
			if (!nats.up) return this.later(500, () => this.#seekLead(-1));
			const { holder, revision } = nats.leader;
			const isFree = holder === "" || holder === this.home.id || revision === seenRevision;
			if (isFree && this.world.mayLead(this)) {
				nats.leader = { holder: this.home.id, revision: revision + 1 };
				return this.#takeOver();
			}
			this.later(LEASE_MS, () => this.#seekLead(revision));
		});
	}

	#takeOver(): void {
		this.#busy = true;
		this.#renew();
		if (this.#isReplaced()) return this.world.restart(this, "the journal has lost what it has read");
		this.#catchUp();
		this.#putBack([...this.#missing.values()], () => {
			this.world.checkTakenOver(this);
			this.clock = clockFrom(this.clock, this.state.lastEventAtMs);
			this.leads = true;
			this.#busy = false;
			this.world.note(() => `${this.name} leads from ${this.#position} on`);
			const { id } = this.home;
			this.take({ kind: "leadershipGained", coordinatorId: id, epoch: this.state.epoch + 1 }, () => this.#lead());
		});
	}

	#putBack([next, ...rest]: StoredBatch[], done: () => void): void {
		if (!next) return done();
		if (next.sequence !== this.#position + 1) return this.#putBack(rest, done);
		this.world.nats.append(this, next, this.#position, (sequence) =>
			this.later(0, () => {
				if (sequence === null) return this.world.restart(this, "another leads");
				this.#apply(next);
				this.home.tail.acknowledge(sequence);
				this.#putBack(rest, done);
			}),
		);
	}

	#lead(): void {
		const { nats, agents } = this.world;
		this.#tickedAtMs = this.clock.nowMs();
		for (const { id } of agents) this.heardAtMs.set(id, this.#tickedAtMs);
		this.#endings.push(
			nats.queues.consume("reports", (report, acknowledge) =>
				this.take({ kind: "reportReceived", report: report as Report }, acknowledge),
			),
		);
		for (const { id } of agents) {
			this.#endings.push(
				nats.watch(`advert.${id}`, (advert) =>
					this.take(
						advert === null ? { kind: "agentLeft", agentId: id } : { kind: "advertReceived", advert: advert as never },
					),
				),
			);
		}
		this.#tick();
	}

	#renew(): void {
		const { nats } = this.world;
		if (nats.leader.holder !== this.home.id) return this.world.restart(this, "another leads");
		if (nats.up) nats.leader = { holder: this.home.id, revision: nats.leader.revision + 1 };
		this.later(RENEW_MS, () => this.#renew());
	}

	#tick(): void {
		if (this.world.nats.up) this.#tellTime();
		this.later(TICK_MS, () => this.#tick());
	}

	/** As link/ticks.ts: while NATS was away, or the process stood still, nobody could be heard. */
	#tellTime(): void {
		const nowMs = this.clock.nowMs();
		const forMs = nowMs - this.#tickedAtMs - TICK_MS;
		this.#tickedAtMs = nowMs;
		if (forMs > LATE_MS) this.take({ kind: "leaderWasAway", forMs });
		this.take({ kind: "tick" });
	}

	#turn(): void {
		if (this.#busy || this.paused || !this.alive || this.#waiting.length === 0) return;
		this.#busy = true;
		const batch = this.#waiting.splice(0);
		const inputs = batch.map(({ input }) => input);
		const turn = decide(this.state, inputs, this.clock.nowMs(), defaultCoreOptions);
		this.world.checkTurn(this, turn, inputs);
		this.#append(turn.events, () =>
			// Standing still between the journal's answer and the effects: they come late.
			this.later(0, () => {
				this.#committed(turn);
				for (const effect of turn.effects) carryOut(this, effect);
				for (const { done } of batch) done();
				this.#busy = false;
				this.#turn();
			}),
		);
	}

	/** In as many messages as chance wants: death may come between any two. */
	#append(rest: JournalEvent[], done: () => void): void {
		if (rest.length === 0) return done();
		const { nats, random } = this.world;
		const count = random.next() < 0.5 ? rest.length : 1 + random.below(rest.length);
		const batchId = `${this.name}-${this.#batches++}`;
		const { epoch } = this.state;
		const message = { schemaVersion: SCHEMA_VERSION, leaderEpoch: epoch, batchId, events: rest.slice(0, count) };
		const batch: JournalBatch = throughBytes(batchCodec, message);
		const sequence = this.#position + 1;
		let missing = 2;
		const stored = (): void => {
			missing -= 1;
			if (missing > 0 || !this.alive) return;
			this.#position = sequence;
			this.home.tail.acknowledge(sequence);
			this.world.acknowledged(sequence, batchId);
			this.#append(rest.slice(count), done);
		};
		this.home.tail.append({ ...batch, sequence }, this.#position, stored);
		nats.append(this, batch, this.#position, (answer) =>
			this.later(0, () => (answer === null ? this.world.restart(this, "its append was fenced off") : stored())),
		);
	}

	#committed({ events, effects }: Turn): void {
		this.world.checkCommitted(this, events, effects);
		const { random, snapshots } = this.world;
		if (events.length === 0 || random.below(SNAPSHOT_EVERY) > 0) return;
		const parts = [...writeDump(dumpState(this.state))];
		snapshots.push({ sequence: this.#position, parts });
		if (snapshots.length > 2 && random.next() < 0.5) {
			snapshots.shift();
			this.world.nats.journal.trim(snapshots[0]?.sequence ?? 0);
		}
	}
}
