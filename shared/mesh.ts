/** `mesh.json`: what a running `up` listens on, so that the CLI and tools find it by themselves. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Home } from "./home.ts";

const meshSchema = z.object({
	/** Process of `up`. */
	pid: z.number().int(),
	/** http://127.0.0.1:7400 */
	url: z.string(),
	/** host:port */
	grpc: z.string(),
	nats: z.string(),
	startedAtMs: z.number(),
	/** Processes that `up` started, by name. */
	processes: z.record(z.string(), z.number().int()),
});

export type Mesh = z.infer<typeof meshSchema>;

/** null when no mesh has been started on this home. */
export const readMesh = (home: Home): Mesh | null => {
	try {
		return meshSchema.parse(JSON.parse(readFileSync(home.mesh, "utf8")));
	} catch {
		return null;
	}
};
