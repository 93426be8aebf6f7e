/** Every stream, subject, bucket, store and consumer name of the mesh (DESIGN §4, contract). */

import type { AgentId } from "./ids.ts";

export const streams = { journal: "RM_JOURNAL", reports: "RM_REPORTS", tasks: "RM_TASKS" } as const;

export const buckets = { agents: "rm_agents", leader: "rm_leader", serving: "rm_serving" } as const;

/** Object stores. */
export const stores = { snapshots: "RM_SNAPSHOT" } as const;

export const leaderKey = "leader";

export const subjects = {
	journal: "rm.journal",
	reports: "rm.report.*",
	tasks: "rm.task.*",
	heartbeats: "rm.heartbeat.*",
	report: (agent: AgentId) => `rm.report.${agent}`,
	task: (agent: AgentId) => `rm.task.${agent}`,
	heartbeat: (agent: AgentId) => `rm.heartbeat.${agent}`,
	control: (agent: AgentId) => `rm.control.${agent}`,
	presence: (agent: AgentId) => `rm.presence.${agent}`,
} as const;

export const consumers = {
	reports: "leader",
	tasks: (agent: AgentId) => `agent-${agent}`,
} as const;
