/** The process of the simulated agents: see agents.ts. */

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";
import type { AgentId } from "#shared/ids.ts";
import { type SimulatedAgent, simulateAgent } from "./agent.ts";

export interface SimulatedOptions {
	nats: string;
	home: string;
	agents: number;
	/** Of each agent. */
	cpuMillis: number;
	memoryBytes: number;
	labels: Record<string, string>;
}

const HEARTBEAT_MS = 2_000;
const TELL_MS = 50;

const options = JSON.parse(process.argv[2] ?? "") as SimulatedOptions;
process.on("disconnect", () => process.exit());

const credentials = requireCredentials(resolveHome(options.home), {});
const connection = await connect({ servers: options.nats, ...natsAuth(credentials), maxReconnectAttempts: -1 });

const agents: SimulatedAgent[] = [];
for (let number = 0; number < options.agents; number++) {
	agents.push(await simulateAgent(connection, `simulated-${number}` as AgentId, options));
}
process.on("message", () => {
	for (const agent of agents) agent.release();
});

/** Not all at the same moment, as they would not be. */
const beatForEver = async (agent: SimulatedAgent, offsetMs: number): Promise<never> => {
	await sleep(offsetMs);
	for (;;) {
		const startedAt = performance.now();
		await agent.beat();
		await sleep(Math.max(0, HEARTBEAT_MS - (performance.now() - startedAt)));
	}
};

await Promise.all(agents.map((agent) => agent.beat()));
for (const [index, agent] of agents.entries()) void beatForEver(agent, (HEARTBEAT_MS * index) / agents.length);
setInterval(() => process.send?.({ taken: agents.reduce((sum, agent) => sum + agent.taken(), 0) }), TELL_MS);
