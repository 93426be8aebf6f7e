/** Agents by their id, what each begins with, and why one takes nothing new. */

import type { AgentId } from "#shared/ids.ts";
import { newNode } from "../placement/node.ts";
import type { Agent, Cordon, MeshState } from "./state.ts";

/** The agent of that id; one that is known only by what the journal says of it has not been heard yet. */
export const agentOf = (state: MeshState, id: AgentId): Agent => {
	const agent = state.agents.get(id) ?? newAgent(id);
	state.agents.set(id, agent);
	return agent;
};

const newAgent = (id: AgentId): Agent => ({
	id,
	advert: null,
	lastHeardMs: 0,
	leaseFromMs: 0,
	sessionId: "",
	online: false,
	draining: false,
	ownReason: "",
	cordon: null,
	attempts: new Set(),
	missing: new Set(),
	preparing: new Set(),
	paused: new Set(),
	stopping: new Map(),
	node: newNode(),
});

/** After whatever may have opened or closed it for placement. */
export const openOrClose = (agent: Agent): void => {
	agent.node.closed = whyClosed(agent);
};

const whyClosed = ({ online, advert, cordon, draining, ownReason }: Agent): string => {
	if (!online) return "not heard from";
	if (!advert) return "not advertised yet";
	if (cordon) return cordonWords(cordon);
	if (advert.cordoned) return "cordoned";
	return draining ? "draining" : ownReason;
};

/** "cordoned by admin: disk swap" */
const cordonWords = ({ mode, by, reason }: Cordon): string =>
	`${mode === "cordoned" ? "cordoned" : "being drained"} by ${by}${reason === "" ? "" : `: ${reason}`}`;
