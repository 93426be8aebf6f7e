/** `mesh.json`: what a running `up` listens on, so that the CLI and tools find it by themselves. */

import { readFileSync } from "node:fs";
import type { Home } from "./home.ts";

export interface Mesh {
	/** Process of `up`. */
	pid: number;
	/** http://127.0.0.1:7400 */
	url: string;
	/** host:port */
	grpc: string;
	nats: string;
	startedAtMs: number;
	/** Processes that `up` started, by name. */
	processes: Record<string, number>;
}

/** null when no mesh has been started on this home. */
export const readMesh = (home: Home): Mesh | null => {
	try {
		const mesh: unknown = JSON.parse(readFileSync(home.mesh, "utf8"));
		return isMesh(mesh) ? mesh : null;
	} catch {
		return null;
	}
};

const isMesh = (value: unknown): value is Mesh => {
	if (value === null || typeof value !== "object") return false;
	const { pid, url, grpc, nats, startedAtMs, processes } = value as Record<string, unknown>;
	const texts = [url, grpc, nats].every((text) => typeof text === "string");
	const numbers = Number.isInteger(pid) && typeof startedAtMs === "number";
	return texts && numbers && processes !== null && typeof processes === "object";
};
