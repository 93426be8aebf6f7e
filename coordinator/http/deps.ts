/** What the API is given: it reads from the store, and asks the core through commands. */

import type { Logger } from "pino";
import type { AgentView, JoinGrant } from "#shared/api.ts";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Credentials } from "#shared/credentials.ts";
import type { Digest } from "#shared/ids.ts";
import type { Commands } from "../commands.ts";
import type { LogStore } from "../logs/store.ts";
import type { ReadStore } from "../store/store.ts";

/** Tells after commits that the read store has them. */
export interface Committed {
	on(event: "committed", listener: () => void): unknown;
	off(event: "committed", listener: () => void): unknown;
}

export interface HttpDeps {
	host: string;
	port: number;
	credentials: Credentials;
	store: ReadStore;
	logs: LogStore;
	blobs: BlobStore;
	/** Each answers once the journal has it. */
	commands: Commands;
	agents(): AgentView[];
	/** What a machine that joins is given. */
	joinGrant(): JoinGrant;
	/** Brings a blob here from one of the agents that hold it. */
	fetchBlob(digest: Digest, holders: string[]): Promise<void>;
	committed: Committed;
	ready(): boolean;
	log: Logger;
}
