/** `runmesh agent join`: a token is given for the mesh's credentials, and this home becomes an agent's of that mesh. */

import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { writeAgentFile } from "#shared/agent-file.ts";
import { writeCredentials } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readJoined, writeJoined } from "#shared/joined.ts";
import { lockOwner } from "#shared/lock.ts";
import { homeOwner } from "../up/lock.ts";
import { isOwnAddress } from "./addresses.ts";
import { type Wires, wiresFrom } from "./grant.ts";
import { redeem } from "./redeem.ts";

export interface JoinOptions {
	home: Home;
	/** Of the coordinator's HTTP API. */
	url: string;
	token: string;
	/** For agent.json, beside what the mesh says. */
	flags: Readonly<Record<string, unknown>>;
	/** Though the home belongs to another mesh. */
	force: boolean;
}

/** What is in the home then; the credentials apart. */
export interface JoinedHome {
	home: string;
	url: string;
	agentFile: string;
	nats: string[];
	coordinator: string;
	/** The address that the agent listens on. */
	host: string;
	/** What keeps it from starting. */
	problems: Wires["problems"];
}

/** The token is used up only once nothing of this home speaks against it. */
export const joinMesh = async ({ home, url, token, flags, force }: JoinOptions): Promise<JoinedHome> => {
	const isAgain = readJoined(home)?.url === url;
	checkHome(home, isAgain || force);
	const grant = await redeem(url, token);
	const wires = await wiresFrom(grant, url);
	const { nats, coordinator, localAddress, problems } = wires;
	const listens = localAddress === "" || isOwnAddress(localAddress) ? {} : { host: localAddress };
	const file = { nats, coordinator, ...listens, ...flags };
	// Last comes what makes the home a joined one: until then all of it may be done again.
	writeAgentFile(home, file);
	if (!isAgain) keepAside(home);
	writeJoined(home, { url });
	writeCredentials(home, grant.credentials);
	const host = String(file.host ?? "127.0.0.1");
	return { home: home.root, url, agentFile: home.agentFile, nats, coordinator, host, problems };
};

const checkHome = (home: Home, mayReplace: boolean): void => {
	const running = homeOwner(home) ?? lockOwner(join(home.agent, "agent.lock"));
	if (running) {
		throw new RunmeshError("RM_ALREADY_UP", `a mesh or an agent runs on ${home.root} (process ${running.pid})`, {
			hint: "stop it first, or join with another home: --home <folder>",
		});
	}
	if (mayReplace || !existsSync(home.credentials)) return;
	const mesh = readJoined(home)?.url ?? (existsSync(home.nats) ? "a mesh of its own" : "another mesh");
	throw new RunmeshError("RM_CONFLICT", `${home.root} belongs to a mesh already: ${mesh}`, {
		hint: "join with another home (--home <folder>), or leave that mesh for this one with --force",
	});
};

/** Secrets of another mesh exist nowhere else: they are moved, not overwritten. */
const keepAside = (home: Home): void => {
	if (existsSync(home.credentials)) renameSync(home.credentials, `${home.credentials}.until-${Date.now()}`);
};
