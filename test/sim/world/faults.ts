/** What goes wrong, drawn from the seed: processes die, stand still, lose power, clocks are set, networks part. */

import type { SimAgent } from "./agent.ts";
import type { Home } from "./home.ts";
import type { World } from "./world.ts";

/** Long enough for somebody to draw conclusions. */
const LEADER_LEASE_MS = 10_000;
const AGENT_LEASE_MS = 30_000;

export const strike = (world: World): void => {
	const { random, schedule, nats } = world;
	const agent = world.agents[random.below(world.agents.length)] as SimAgent;
	const home = world.homes[random.below(world.homes.length)] as Home;
	const spanMs = 500 + random.below(random.next() < 0.3 ? 60_000 : 8_000);
	switch (random.below(12)) {
		case 0:
		case 1:
			return killCoordinator(world, world.leader?.home ?? home, random.next() < 0.5 ? 100 : spanMs);
		case 2:
			return killCoordinator(world, home, spanMs);
		case 3: {
			// Wakes up later and believes that it leads.
			const { leader } = world;
			const pauseMs = random.next() < 0.5 ? spanMs : LEADER_LEASE_MS + random.below(30_000);
			world.note(() => `${leader?.name} stands still for ${pauseMs} ms`);
			return leader?.pause(pauseMs);
		}
		case 4:
			world.note(() => `NATS is killed for ${spanMs} ms`);
			return nats.kill(spanMs);
		case 5:
			return powerCut(world, spanMs);
		case 6: {
			const awayMs = random.next() < 0.5 ? spanMs : AGENT_LEASE_MS + random.below(30_000);
			world.note(() => `${agent.id} is cut off for ${awayMs} ms`);
			agent.partitioned = true;
			return void schedule.after(awayMs, () => agent.rejoin());
		}
		case 7:
		case 8:
			world.note(() => `${agent.id} dies for ${spanMs} ms`);
			if (agent.alive) agent.kill();
			return restartLater(world, agent, spanMs);
		case 9:
			world.note(() => `${agent.id}'s machine restarts, or it drains`);
			if (random.next() < 0.4) agent.reboot();
			else if (agent.alive && random.next() < 0.5) agent.drain();
			return restartLater(world, agent, spanMs);
		case 10:
			return takeForOwner(world, agent, 2 * spanMs);
		default:
			nats.journal.sync();
	}
};

/** The machine's owner wants it for a while, or some of it. */
const takeForOwner = (world: World, agent: SimAgent, spanMs: number): void => {
	const { random, schedule } = world;
	const running = (["finish", "pause", "stop"] as const)[random.below(3)] ?? "finish";
	const closure = random.next() < 0.7 ? { reason: "its owner is active", running } : { reason: "", running };
	const left = random.next();
	const usable = {
		cpuMillis: Math.floor(agent.capacity.cpuMillis * left),
		memoryBytes: Math.floor(agent.capacity.memoryBytes * left),
		...{ diskBytes: 0, devices: [] },
	};
	world.note(
		() => `${agent.id} is its owner's for ${spanMs} ms: ${closure.reason && running}, ${usable.cpuMillis}m left`,
	);
	agent.owner(closure, usable);
	schedule.after(spanMs, () => agent.owner({ reason: "", running: "finish" }, null));
};

const restartLater = (world: World, agent: SimAgent, spanMs: number): void => {
	world.schedule.after(spanMs, () => {
		if (agent.draining && agent.alive) agent.kill();
		if (agent.alive) return;
		agent.clockOffsetMs += jump(world);
		agent.start();
	});
};

const killCoordinator = (world: World, home: Home, downMs: number): void => {
	const running = world.coordinators.find((each) => each.home === home && each.alive);
	world.note(() => `${running?.name ?? home.id} dies for ${downMs} ms`);
	if (!running) return;
	running.kill();
	home.clockOffsetMs += jump(world);
	world.schedule.after(downMs, () => world.startOn(home));
};

/** The machine with NATS: the coordinator there goes down with it, and of the journal what was not synced. */
const powerCut = (world: World, downMs: number): void => {
	for (const home of world.homes) if (home.hasNats) killCoordinator(world, home, downMs);
	// The fence is the journal's length: one that was deposed must not find it as short as it left it.
	for (const each of world.coordinators) {
		if (each.leads && each.home.id !== world.nats.leader.holder) world.restart(each, "another leads");
	}
	const lost = world.nats.powerCut(downMs);
	world.note(() => `the power fails for ${downMs} ms; ${lost} batches are gone`);
	world.cut();
};

/** A clock is set while nobody looks: by seconds, or an hour. */
const jump = ({ random }: World): number => {
	if (random.next() < 0.6) return 0;
	const mostMs = random.next() < 0.5 ? 10_000 : 3_600_000;
	return random.below(2 * mostMs) - mostMs;
};
