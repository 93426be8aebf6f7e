/** Brings blobs of an artifact here from the agents that hold it, while the client waits. */

import type { FastifyReply } from "fastify";
import { forEachBounded } from "#shared/blobs/bounded.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import type { HttpDeps } from "./deps.ts";
import { HEARTBEAT_MS } from "./live-stream.ts";

const FETCHES_AT_ONCE = 4;

/** `missing` is the artifact's manifest, or blobs that it names. */
export const fetchHere = async (
	deps: HttpDeps,
	artifact: Digest,
	missing: readonly Digest[],
	reply: FastifyReply,
): Promise<void> => {
	if (missing.length === 0) return;
	const holders = deps.store.holdersOf(artifact);
	if (holders.length === 0) {
		throw new RunmeshError("RM_NOT_FOUND", `${missing[0]} is not here, and no run has left such an artifact`, {
			hint: "a file inside an artifact comes with it: ask for /api/v1/artifacts/<digest> first",
		});
	}
	// May take long, and both sides hang up on a silent connection.
	const heartbeat = setInterval(() => reply.raw.writeProcessing(), HEARTBEAT_MS);
	try {
		await forEachBounded(missing, FETCHES_AT_ONCE, (digest) => deps.fetchBlob(digest, holders));
	} finally {
		clearInterval(heartbeat);
	}
};
