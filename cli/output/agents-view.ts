/** Agents for people: the list, and one with its hardware. */

import type { AgentView } from "#shared/api.ts";
import { formatAge, formatBytes, formatResources } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";
import { escapeControls } from "./text.ts";

const columns = [
	{ header: "AGENT" },
	{ header: "STATE" },
	{ header: "RUNNING", align: "right" as const },
	{ header: "FREE", flexible: true },
	{ header: "OF", flexible: true },
	{ header: "MODELS", flexible: true },
	{ header: "SEEN" },
];

const replicaNames = ({ replicas }: AgentView): string =>
	replicas.map(({ deployment, version }) => `${deployment}:${version}`).join(" ");

const seen = (agent: AgentView, nowMs: number): string =>
	agent.lastHeartbeatAtMs === null ? "never" : formatAge(agent.lastHeartbeatAtMs, nowMs);

export const agentsView = (agents: AgentView[], view: View): string[] => {
	if (agents.length === 0) return ["no agents; start a mesh with: runmesh up"];
	const rows = agents.map((agent): Cell[] => [
		agent.id,
		{ text: agent.state, paint: view.style.state(agent.state) },
		String(agent.attempts.length),
		agent.free ? formatResources(agent.free) : "",
		agent.capacity ? formatResources(agent.capacity) : "",
		replicaNames(agent),
		seen(agent, view.nowMs),
	]);
	return view.table(columns, rows);
};

export const agentView = (agent: AgentView, { style, nowMs }: View): string[] => {
	const { fingerprint: host } = agent;
	const facts: [string, string][] = [
		["state", `${agent.state}, seen ${seen(agent, nowMs)}`],
		["version", agent.version],
	];
	if (host) {
		facts.push(
			["host", `${host.hostname}, ${host.os} ${host.arch}, kernel ${host.kernel}`],
			["cpu", `${host.cpuModel}, ${host.cpuCores} cores`],
			["memory", formatBytes(host.memoryBytes)],
			["disk", formatBytes(host.diskBytes)],
			...host.gpus.map(({ model, memoryBytes, driver, id }): [string, string] => [
				"gpu",
				`${model}, ${formatBytes(memoryBytes)}, driver ${driver}, ${id}`,
			]),
			...Object.entries(host.runtimes).map(([name, version]): [string, string] => [name, version]),
			...Object.entries(host.problems).map(([name, problem]): [string, string] => ["problem", `${name}: ${problem}`]),
		);
	}
	if (agent.capacity) facts.push(["offers", formatResources(agent.capacity)]);
	if (agent.free) facts.push(["free", formatResources(agent.free)]);
	const labels = Object.entries(agent.labels).map(([name, value]) => `${name}=${value}`);
	if (labels.length > 0) facts.push(["labels", labels.join(" ")]);
	for (const [name, address] of Object.entries(agent.endpoints ?? {})) if (address !== "") facts.push([name, address]);
	facts.push(...agent.attempts.map((attempt): [string, string] => ["runs", attempt]));
	for (const { deployment, version, state, detail } of agent.replicas) {
		facts.push(["serves", `${deployment}:${version} ${state}${detail === "" ? "" : ` (${detail})`}`]);
	}
	const width = facts.reduce((most, [name]) => Math.max(most, name.length), 0);
	const title =
		agent.name === agent.id ? style.bold(agent.id) : `${style.bold(agent.id)}  ${escapeControls(agent.name)}`;
	return [title, ...facts.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${escapeControls(value)}`)];
};
