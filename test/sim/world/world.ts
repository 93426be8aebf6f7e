/**
 * One simulated mesh from one seed: real cores, messages through the real codecs, faults drawn from the seed. Faults
 * strike for a while, then everything is healed and must come to its end.
 */

import type { RunId } from "#shared/ids.ts";
import { type Random, seededRandom } from "#shared/random.ts";
import { SimAgent } from "./agent.ts";
import { SimCoordinator } from "./coordinator.ts";
import { checkEnd, checkNow } from "./invariants.ts";
import { JetStream, type NetworkFaults } from "./jetstream.ts";
import { behaviourOf, randomPipeline } from "./pipelines.ts";
import { Schedule } from "./schedule.ts";

const FAULTS_MS = 120_000;
const HEALED_MS = 1_800_000;

export class World {
	readonly seed: number;
	readonly schedule = new Schedule();
	readonly random: Random;
	readonly faults: NetworkFaults;
	readonly nats: JetStream;
	readonly agents: SimAgent[] = [];
	/** Every coordinator that was ever started; the last one is meant to lead. */
	readonly coordinators: SimCoordinator[] = [];
	/** Submissions that were acknowledged. */
	readonly acknowledged = new Set<RunId>();
	/** Clients ask again until they are answered. */
	#unanswered = 0;
	#healed = false;

	constructor(seed: number) {
		this.seed = seed;

		this.random = seededRandom(seed);
		this.faults = {
			loss: this.random.next() * 0.15,
			duplicate: this.random.next() * 0.2,
			delayMaxMs: 5 + this.random.below(200),
		};
		this.nats = new JetStream(this.schedule, this.random, this.faults);
		const behave = behaviourOf(seed);
		const agentCount = 1 + this.random.below(4);
		for (let index = 0; index < agentCount; index++) {
			const cpu = 2_000 + 1_000 * this.random.below(4);
			const leaders = (): SimCoordinator[] => this.coordinators.filter(({ alive }) => alive);
			this.agents.push(new SimAgent(`a${index}`, cpu, this.schedule, this.nats, this.random, behave, leaders));
		}
		for (const agent of this.agents) agent.start();
		this.#newLeader();
		const runs = 1 + this.random.below(4);
		for (let index = 0; index < runs; index++) this.#submit(`r${index}` as RunId);
		this.#faultLoop();
	}

	/** Throws when an invariant breaks or the healed mesh does not come to its end. */
	run(): void {
		const endMs = this.schedule.nowMs + FAULTS_MS + HEALED_MS;
		const healMs = this.schedule.nowMs + FAULTS_MS;
		while (this.schedule.nowMs < endMs) {
			this.schedule.step();
			checkNow(this);
			if (!this.#healed && this.schedule.nowMs >= healMs) this.#heal();
			if (this.#healed && this.#isQuiet()) break;
		}
		checkEnd(this);
	}

	get leader(): SimCoordinator {
		return this.coordinators.at(-1) as SimCoordinator;
	}

	#newLeader(): void {
		this.coordinators.push(new SimCoordinator(`c${this.coordinators.length}`, this.schedule, this.nats, this.agents));
	}

	#submit(runId: RunId): void {
		const definition = randomPipeline(this.random);
		let answered = false;
		this.#unanswered += 1;
		const ask = (): void => {
			if (answered) return;
			const input = { runId, definition, params: {}, submitter: "sim", code: null, submissionId: runId };
			this.leader.take({ kind: "submitRun", ...input }, () => {
				if (!answered) this.#unanswered -= 1;
				answered = true;
				this.acknowledged.add(runId);
			});
			this.schedule.after(10_000, ask);
		};
		this.schedule.after(this.random.below(60_000), ask);
		if (this.random.next() < 0.2) {
			this.schedule.after(this.random.below(120_000), () =>
				this.leader.take({ kind: "cancelRun", runId, reason: "asked" }),
			);
		}
	}

	#faultLoop(): void {
		if (this.#healed) return;
		const agent = this.agents[this.random.below(this.agents.length)] as SimAgent;
		const spanMs = 500 + this.random.below(this.random.next() < 0.3 ? 60_000 : 8_000);
		switch (this.random.below(8)) {
			case 0:
				this.leader.kill();
				this.#newLeader();
				break;
			case 1:
				// The old one wakes up later and believes it leads.
				this.leader.pause(spanMs);
				this.#newLeader();
				break;
			case 2:
				this.nats.restart(spanMs);
				break;
			case 3:
				agent.partitioned = true;
				this.schedule.after(spanMs, () => {
					agent.partitioned = false;
				});
				break;
			case 4:
			case 5:
				if (agent.alive) agent.kill();
				this.schedule.after(spanMs, () => this.#restart(agent));
				break;
			case 6:
				if (this.random.next() < 0.3) agent.reboot();
				this.schedule.after(spanMs, () => this.#restart(agent));
				break;
			default:
		}
		this.schedule.after(2_000 + this.random.below(30_000), () => this.#faultLoop());
	}

	#restart(agent: SimAgent): void {
		if (!agent.alive) agent.start();
	}

	#heal(): void {
		this.#healed = true;
		this.faults.loss = 0;
		this.faults.duplicate = 0;
		this.nats.up = true;
		for (const agent of this.agents) {
			agent.partitioned = false;
			this.#restart(agent);
		}
		if (!this.leader.alive) this.#newLeader();
	}

	#isQuiet(): boolean {
		if (!this.leader.alive) this.#newLeader();
		return (
			this.#unanswered === 0 &&
			this.leader.state.epoch === this.coordinators.length &&
			this.leader.idle &&
			this.leader.state.runs.size === 0 &&
			this.agents.every((agent) => agent.state.attempts.size === 0 && agent.disk.size === 0)
		);
	}
}
