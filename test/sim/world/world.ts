/**
 * One simulated mesh from one seed: real cores, messages through the real codecs, faults drawn from the seed. Faults
 * strike for a while, then everything is healed and must come to its end.
 */

import { apply } from "#coordinator/core/apply.ts";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { Effect, Input } from "#coordinator/core/inputs.ts";
import { type MeshState, newMeshState } from "#coordinator/core/state.ts";
import type { Turn } from "#coordinator/core/turn.ts";
import type { Task } from "#shared/domain.ts";
import { type Random, seededRandom } from "#shared/random.ts";
import { SimAgent } from "./agent.ts";
import { behaviourOf } from "./behaviour.ts";
import { SimCoordinator } from "./coordinator.ts";
import { strike } from "./faults.ts";
import { Home, type Snapshot } from "./home.ts";
import { checkAgreement, checkCacheHits, checkDecided, checkLaunch, checkLeaving } from "./invariants.ts";
import { Keepers } from "./keepers.ts";
import { People } from "./people.ts";
import { firstDifference, pictureOf } from "./picture.ts";
import { Schedule } from "./schedule.ts";
import { demand, isFinal } from "./seen.ts";
import { NatsServer } from "./server.ts";
import { Story, tellEvent } from "./story.ts";
import { View } from "./view.ts";

const HEALED_MS = 3_600_000;
/** One world in so many is large, and its messages all go through their bytes. */
const LARGE_EVERY = 16;
/** Commits behind which all of a leader's state is compared with a replay. */
const COMPARE_EVERY = 100;
/** New leaders of which one is compared that has read the whole journal; those with a snapshot all are. */
const COMPARE_TAKEN_OVER_EVERY = 4;

export class World {
	readonly seed: number;
	readonly schedule = new Schedule();
	readonly random: Random;
	readonly nats: NatsServer;
	readonly agents: SimAgent[] = [];
	readonly homes: Home[] = [];
	readonly snapshots: Snapshot[] = [];
	readonly faultsMs: number;
	/** Processes that live, and for a while those that have died. */
	coordinators: SimCoordinator[] = [];
	isHealed = false;
	readonly people: People;
	readonly keepers: Keepers;
	readonly story: Story;
	readonly #launched = new Set<string>();
	/** The id of each batch that somebody may have been told of. */
	readonly #acknowledged: string[] = [];
	#view = new View();
	#started = 0;

	constructor(seed: number, isTold = false) {
		this.seed = seed;
		this.random = seededRandom(seed);
		const { random } = this;
		this.story = new Story(this.schedule, isTold);
		const isLarge = seed % LARGE_EVERY === 0;
		const faults = {
			loss: random.next() * 0.15,
			duplicate: random.next() * 0.2,
			delayMaxMs: 5 + random.below(200),
			allBytes: isLarge,
		};
		this.faultsMs = isLarge ? 150_000 : 30_000 + random.below(50_000);
		this.nats = new NatsServer(this.schedule, random, faults);
		const behave = behaviourOf(seed, random.next() * 0.3);
		const agentCount = 1 + random.below(isLarge ? 6 : 3);
		for (let index = 0; index < agentCount; index++) {
			const capacity = { cpuMillis: 2_000 + 1_000 * random.below(4), memoryBytes: 8e9 };
			this.agents.push(new SimAgent(`a${index}`, capacity, this, behave));
		}
		const homeCount = 1 + random.below(3);
		for (let index = 0; index < homeCount; index++)
			this.homes.push(new Home(`h${index}`, index === 0, this.schedule, random));
		this.nats.journal.follow(({ events }) => this.#see(events));
		for (const agent of this.agents) agent.start();
		for (const home of this.homes) this.startOn(home);
		this.people = new People(this, 1 + random.below(isLarge ? 8 : 4), isLarge);
		this.keepers = new Keepers(this);
		this.schedule.after(random.below(10_000), () => this.#faultLoop());
		this.#syncLoop(random.next() < 0.5 ? 1_000 : 120_000);
	}

	/** Throws when an invariant breaks or the healed mesh does not come to its end. */
	run(): void {
		const healMs = this.schedule.nowMs + this.faultsMs;
		const endMs = healMs + HEALED_MS;
		while (this.schedule.nowMs < healMs) this.schedule.step();
		this.#heal();
		let lookAtMs = 0;
		while (this.schedule.nowMs < endMs) {
			this.schedule.step();
			if (this.schedule.nowMs < lookAtMs) continue;
			lookAtMs = this.schedule.nowMs + 500;
			if (this.#isQuiet()) break;
		}
		this.#checkEnd();
	}

	note(what: () => string): void {
		this.story.note(what);
	}

	/** As the journal says it now. */
	view(): View {
		return this.#view;
	}

	/** The one that leads, if one does; with two that believe it, any. */
	get leader(): SimCoordinator | undefined {
		return this.coordinators.find(({ leads }) => leads);
	}

	startOn(home: Home): void {
		if (this.coordinators.some((each) => each.home === home && each.alive)) return;
		this.coordinators = this.coordinators.filter(({ alive }) => alive);
		this.coordinators.push(new SimCoordinator(`c${this.#started++}@${home.id}`, home, this));
	}

	/** It ends by itself; whoever watches over it starts it again. */
	restart(coordinator: SimCoordinator, reason: string): void {
		if (!coordinator.alive) return;
		this.note(() => `${coordinator.name} ends: ${reason}`);
		coordinator.kill();
		this.schedule.after(300 + this.random.below(1_000), () => this.startOn(coordinator.home));
	}

	/** After a power cut somebody must have what was acknowledged: the last leader's home, or one that kept up with it. */
	mayLead({ home }: SimCoordinator): boolean {
		const { last } = this.nats.journal;
		const wanted = this.#acknowledged.length;
		return last >= wanted || home.tail.read(last + 1)[wanted - last - 1]?.batchId === this.#acknowledged[wanted - 1];
	}

	acknowledged(sequence: number, batchId: string): void {
		this.#acknowledged[sequence - 1] = batchId;
	}

	/** What was acknowledged is on some leader's disk, and not yet put back. */
	isCut(): boolean {
		return this.nats.journal.last < this.#acknowledged.length;
	}

	/** The journal is shorter than it was: what the view has seen of the rest is not so. */
	cut(): void {
		this.#view = new View();
		for (const { events } of this.nats.journal.all) this.#see(events);
	}

	launched(agent: SimAgent, task: Task): void {
		this.note(() => `${agent.id} launches ${task.attemptId}`);
		checkLaunch(this.#launched, agent, task);
	}

	checkTurn(leader: SimCoordinator, turn: Turn, inputs: readonly Input[]): void {
		checkDecided(leader, turn, inputs);
		for (const event of turn.events) {
			if (event.kind !== "runSubmitted") continue;
			const run = leader.state.runs.get(event.runId);
			if (run) leader.runs.set(run.id, run);
		}
		checkCacheHits(leader.runs, turn.events);
	}

	/** The journal has a turn's events, and nothing behind them. */
	checkCommitted(leader: SimCoordinator, events: readonly JournalEvent[], effects: readonly Effect[]): void {
		if (leader.sequence !== this.nats.journal.last) return;
		checkLeaving(this.#view, this.agents, events, effects);
		checkAgreement(leader.state, this.#view, events);
		for (const event of events) {
			if (event.kind === "approvalRequested") this.people.seeHeld(event.runId, event.stepKey);
		}
		if (events.length > 0 && this.random.below(COMPARE_EVERY) === 0) this.#compare(leader.state, leader.name);
	}

	/** All that was acknowledged is there, and its state is what the journal comes to. */
	checkTakenOver(leader: SimCoordinator): void {
		for (const run of leader.state.runs.values()) leader.runs.set(run.id, run);
		if (leader.sequence !== this.nats.journal.last) return;
		this.#checkAcknowledged();
		if (leader.isFromSnapshot || this.random.below(COMPARE_TAKEN_OVER_EVERY) === 0)
			this.#compare(leader.state, leader.name);
	}

	#see(events: readonly JournalEvent[]): void {
		for (const event of events) {
			this.note(() => tellEvent(event));
			this.#view.take(event);
		}
	}

	/** Against a coordinator that has read the journal from its beginning. */
	#compare(state: MeshState, name: string): void {
		const replayed = newMeshState();
		for (const { events } of this.nats.journal.all) for (const event of events) apply(replayed, event);
		const differs = firstDifference(pictureOf(state), pictureOf(replayed));
		demand(differs === null, () => `${name} does not know what the journal says: ${differs}`);
	}

	#checkAcknowledged(): void {
		this.#acknowledged.forEach((batchId, index) => {
			const kept = this.nats.journal.all[index]?.batchId;
			demand(kept === batchId, () => `batch ${index + 1} was acknowledged as ${batchId} and is ${kept}`);
		});
	}

	#syncLoop(everyMs: number): void {
		this.nats.journal.sync();
		if (!this.isHealed) this.schedule.after(this.random.below(2 * everyMs), () => this.#syncLoop(everyMs));
	}

	#faultLoop(): void {
		if (this.isHealed) return;
		strike(this);
		this.schedule.after(1_000 + this.random.below(20_000), () => this.#faultLoop());
	}

	#heal(): void {
		this.note(() => "healed");
		this.isHealed = true;
		const { faults } = this.nats;
		faults.loss = 0;
		faults.duplicate = 0;
		this.nats.revive();
		for (const agent of this.agents) {
			agent.rejoin();
			if (agent.draining && agent.alive) agent.kill();
			if (!agent.alive) agent.start();
		}
		for (const home of this.homes) this.startOn(home);
		this.keepers.openAll();
		this.people.submitLast();
	}

	#isQuiet(): boolean {
		const { leader } = this;
		if (!leader || this.people.unanswered + this.keepers.unanswered > 0) return false;
		for (const step of leader.state.held) this.people.seeHeld(step.run.id, step.key);
		return (
			leader.sequence === this.nats.journal.last &&
			[...this.#view.runs.values()].every(({ status }) => isFinal(status)) &&
			this.nats.leader.holder === leader.home.id &&
			this.agents.every((agent) => agent.state.attempts.size === 0 && agent.host.disk.size === 0)
		);
	}

	#checkEnd(): void {
		this.people.checkPromises();
		this.keepers.checkPromises();
		this.#checkAcknowledged();
		for (const run of this.#view.runs.values()) {
			const steps = [...run.steps.values()].map(({ key, status }) => `${key} ${status}`);
			demand(isFinal(run.status), () => `${run.id} never finished: it is ${run.status} (${steps.join(", ")})`);
		}
		const { leader } = this;
		const unanswered = this.people.unanswered + this.keepers.unanswered;
		demand(unanswered === 0, () => `${unanswered} questions were never answered`);
		for (const { id, state, host } of this.agents) {
			demand(state.attempts.size === 0, () => `${id} still holds ${[...state.attempts.keys()]}`);
			demand(host.disk.size === 0, () => `${id} keeps ${[...host.disk.keys()]} on disk`);
			const node = leader?.state.agents.get(id)?.node;
			demand(!node || (node.claimed.cpuMillis === 0 && node.claims === 0), () => `claims on ${id} leak`);
		}
		demand(leader !== undefined, () => "nobody leads");
		if (!leader) return;
		const { attempts, held, backoff, stepGroups, runGroups, runners } = leader.state;
		for (const [what, left] of Object.entries({ attempts, held, backoff, stepGroups, runGroups, runners })) {
			demand(left.size === 0, () => `${left.size} ${what} are left when all is over`);
		}
		demand(leader.state.ready.size === 0, () => "steps are ready when all is over");
	}
}
