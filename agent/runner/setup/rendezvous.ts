/** How the members of a step on several agents find each other: the variables that training libraries read. */

import { createServer } from "node:net";
import type { GangPlace } from "#shared/domain.ts";
import { AttemptError } from "../failure.ts";

export const gangEnvironment = (gang: GangPlace | null): Record<string, string> =>
	gang === null
		? {}
		: {
				RANK: String(gang.rank),
				WORLD_SIZE: String(gang.size),
				MASTER_ADDR: gang.masterAddr,
				MASTER_PORT: String(gang.masterPort),
			};

/**
 * The first member listens on the port that the lease gave. Taken by another program, the attempt counts as lost: its
 * next lease has another port, and it costs the step none of its retries.
 */
export const checkMasterPort = async (gang: GangPlace | null): Promise<void> => {
	if (gang?.rank !== 0) return;
	const { masterPort } = gang;
	const server = createServer();
	try {
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject).listen({ port: masterPort, exclusive: true }, resolve);
		});
	} catch {
		throw new AttemptError("lost", `port ${masterPort}, at which its members were to meet, is in use here`);
	} finally {
		server.close();
	}
};
