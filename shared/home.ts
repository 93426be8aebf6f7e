/** Where everything of one mesh lives on this machine: RUNMESH_HOME, ~/.runmesh by default. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";

export interface Home {
	root: string;
	/** Held by the `up` that owns this home. */
	lock: string;
	/** Endpoints and ports of the running mesh, for the CLI and tools (mesh.ts). */
	mesh: string;
	/** Secrets that `up` generates; mode 0600 (credentials.ts). */
	credentials: string;
	/** Embedded nats-server: configuration, store. */
	nats: string;
	/** Downloaded tools, such as nats-server; shared by all homes of the user. */
	cache: string;
	coordinator: string;
	/** Read side; may be deleted at any time. */
	readStore: string;
	/** Synced copy of the journal's newest messages. */
	journalTail: string;
	/** The newest snapshot of the state that this coordinator has taken. */
	snapshot: string;
	coordinatorBlobs: string;
	coordinatorLogs: string;
	agent: string;
	/** Flags of the agent that need not be typed (agent-file.ts). */
	agentFile: string;
	/** Of a machine that has joined: the mesh's address (joined.ts). */
	joined: string;
	/** Logs of the mesh's own processes. */
	logs: string;
}

export const resolveHome = (root: string = process.env.RUNMESH_HOME ?? join(homedir(), ".runmesh")): Home => {
	const at = (...parts: string[]): string => join(resolve(root), ...parts);
	return {
		root: at(),
		lock: at("up.lock"),
		mesh: at("mesh.json"),
		credentials: at("credentials.json"),
		nats: at("nats"),
		cache: process.env.RUNMESH_CACHE ?? join(homedir(), ".cache", "runmesh"),
		coordinator: at("coordinator"),
		readStore: at("coordinator", "read.sqlite"),
		journalTail: at("coordinator", "tail"),
		snapshot: at("coordinator", "snapshot.gz"),
		coordinatorBlobs: at("coordinator", "blobs"),
		coordinatorLogs: at("coordinator", "logs"),
		agent: at("agent"),
		agentFile: at("agent.json"),
		joined: at("joined.json"),
		logs: at("logs"),
	};
};
