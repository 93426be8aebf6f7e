/** What a service of the agent is made of, whoever keeps it running. */

import { join } from "node:path";
import type { Home } from "#shared/home.ts";
import { leanMalloc, nodeFlags, nodePrograms } from "../up/programs.ts";

export interface ServiceSpec {
	home: Home;
	/** Absolute: no npm, no search at run time. */
	command: string[];
	/** Nothing else of the present surroundings. */
	environment: Record<string, string>;
	/** Of the whole machine; otherwise of this user's session. */
	system: boolean;
	/** Whom it runs as, of a system service. */
	user: string | null;
}

/** A service that has been started. */
export interface Started {
	/** As the manager says it. */
	state: string;
	/** How its state is seen, and its log. */
	status: string;
	logs: string;
	/** What is left to do. */
	notes: string[];
}

export interface SpecRequest {
	home: Home;
	/** More flags of the agent. */
	args: readonly string[];
	system: boolean;
	user: string | null;
}

/** Where nobody else keeps what it says, it keeps a log file itself. */
export const serviceSpec = (request: SpecRequest, env: NodeJS.ProcessEnv, keepsLog: boolean): ServiceSpec => {
	const { home, args, system, user } = request;
	const log = keepsLog && !args.includes("--log-file") ? ["--log-file", join(home.logs, "agent.log")] : [];
	return {
		home,
		command: [process.execPath, ...nodeFlags, nodePrograms.agent, ...["--home", home.root], ...args, ...log],
		environment: {
			// Of a machine's service: the cache of whoever installs it may be closed to it.
			NODE_COMPILE_CACHE: join(system ? join(home.root, "cache") : home.cache, "compile"),
			...leanMalloc,
			// Steps and the tools that look at the hardware are found where they are found now.
			PATH: env.PATH || "/usr/local/bin:/usr/bin:/bin",
		},
		system,
		user,
	};
};
