/** Agents for people: the list, and one with its hardware. */

import type { AgentView } from "#shared/api.ts";
import type { Resources } from "#shared/domain.ts";
import { formatAge, formatResources } from "./format.ts";
import { deviceTable, type Fact, hostFacts } from "./host-facts.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";
import { escapeControls, oneLine } from "./text.ts";

const columns = [
	{ header: "AGENT" },
	{ header: "STATE" },
	{ header: "RUNNING", align: "right" as const },
	{ header: "FREE", flexible: true },
	{ header: "OF", flexible: true },
	{ header: "MODELS", flexible: true },
	{ header: "SEEN" },
];
const reasonColumn = { header: "TAKES NOTHING NEW", flexible: true };

const replicaNames = ({ replicas }: AgentView): string =>
	replicas.map(({ deployment, version }) => `${deployment}:${version}`).join(" ");

const seen = (agent: AgentView, nowMs: number): string =>
	agent.lastHeartbeatAtMs === null ? "never" : formatAge(agent.lastHeartbeatAtMs, nowMs);

/** Who cordoned it stands there too. A lost one says it all by its state. */
const reasonOf = ({ state, closed }: AgentView): string => (state === "lost" ? "" : closed);

/** Hardly anybody asks for disk: it is told of one agent alone. */
const briefly = (resources: Resources | null): string =>
	resources === null ? "" : formatResources({ ...resources, diskBytes: 0 });

export const agentsView = (agents: AgentView[], view: View): string[] => {
	if (agents.length === 0) return ["no agents; start a mesh with: runmesh up"];
	const someReason = agents.some((agent) => reasonOf(agent) !== "");
	const rows = agents.map((agent): Cell[] => [
		agent.id,
		{ text: agent.state, paint: view.style.state(agent.state) },
		String(agent.attempts.length),
		briefly(agent.free),
		briefly(agent.capacity),
		replicaNames(agent),
		seen(agent, view.nowMs),
		...(someReason ? [oneLine(reasonOf(agent))] : []),
	]);
	return view.table(someReason ? [...columns, reasonColumn] : columns, rows);
};

export const agentView = (agent: AgentView, view: View): string[] => {
	const { style, nowMs } = view;
	const { cordon } = agent;
	const facts: Fact[] = [["state", `${agent.state}, seen ${seen(agent, nowMs)}`]];
	const reason = reasonOf(agent);
	if (reason !== "") facts.push(["closed", cordon ? `${reason} (${formatAge(cordon.sinceMs, nowMs)})` : reason]);
	facts.push(["version", agent.version]);
	const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
	if (labels.length > 0) facts.push(["labels", labels.join(" ")]);
	if (agent.fingerprint) facts.push(...hostFacts(agent.fingerprint));
	facts.push(...offerFacts(agent));
	for (const [name, address] of Object.entries(agent.endpoints ?? {})) if (address !== "") facts.push([name, address]);
	facts.push(...agent.attempts.map((attempt): Fact => ["runs", attempt]));
	for (const { deployment, version, state, detail } of agent.replicas) {
		facts.push(["serves", `${deployment}:${version} ${state}${detail === "" ? "" : ` (${detail})`}`]);
	}
	const width = facts.reduce((most, [name]) => Math.max(most, name.length), 0);
	const title =
		agent.name === agent.id ? style.bold(agent.id) : `${style.bold(agent.id)}  ${escapeControls(agent.name)}`;
	const devices = deviceTable(agent, view);
	return [
		title,
		...facts.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${oneLine(value)}`),
		...(devices.length > 0 ? ["", ...devices] : []),
	];
};

/** What it gives at most, what others on the machine leave of that now, and of this what nothing has claimed. */
const offerFacts = ({ capacity, usable, free }: AgentView): Fact[] => {
	if (!capacity) return [];
	const facts: Fact[] = [["offers", formatResources(capacity)]];
	if (usable) {
		const { cpuMillis, memoryBytes, diskBytes } = usable;
		const now = { cpuMillis, memoryBytes, diskBytes, gpu: null, named: {} };
		if (formatResources(now) !== formatResources({ ...capacity, gpu: null, named: {} })) {
			facts.push(["usable", `${formatResources(now)}; the rest others on the machine use, or it stays free`]);
		}
	}
	if (free) facts.push(["free", formatResources(free)]);
	return facts;
};
