/**
 * A nats-server that has met a full disk stores nothing more until it is started again. The coordinator notices, and
 * says so; here the server is started again, once there is room.
 */

import { statfsSync } from "node:fs";
import { z } from "zod";
import type { MeshEvent } from "./options.ts";
import type { Supervised } from "./supervise.ts";

const stuckSchema = z.object({ stuck: z.string() });

const ROOM_BYTES = 4 * 1024 * 1024;
/** It gets its time to recover. */
const PAUSE_MS = 20_000;

/** Takes what the coordinator says; there is no `nats` where the server is not ours. */
export const reviver = (
	folder: string,
	nats: () => Pick<Supervised<unknown>, "name" | "restart"> | null,
	onEvent: (event: MeshEvent) => void,
): ((message: unknown) => void) => {
	let restartedAtMs = Number.NEGATIVE_INFINITY;
	let saidFull = false;
	return (message) => {
		const said = stuckSchema.safeParse(message);
		if (!said.success) return;
		const { bavail, bsize } = statfsSync(folder);
		const isFull = bavail * bsize < ROOM_BYTES;
		if (isFull && !saidFull) onEvent({ kind: "diskFull", path: folder });
		saidFull = isFull;
		const server = nats();
		if (isFull || !server || performance.now() - restartedAtMs < PAUSE_MS) return;
		restartedAtMs = performance.now();
		onEvent({ kind: "restarting", name: server.name, why: `it stores nothing (${said.data.stuck})` });
		server.restart();
	};
};
