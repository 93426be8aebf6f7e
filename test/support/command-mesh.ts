/** A mesh as a person starts it: `runmesh up --detach` before a file's tests, `runmesh down` after them. */

import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect } from "vitest";
import type { MeshSummary } from "#cli/up/summary.ts";
import { newPlace, type Place } from "./real-mesh.ts";
import { processesNaming } from "./test-folder.ts";

export interface CommandMesh extends Place {
	/** What `up` said; there is one once the tests run. */
	summary(): MeshSummary;
	/** Writes a pipeline file with what belongs to it; returns the file's path. */
	pipeline(name: string, text: string, files?: Record<string, string | Uint8Array>): string;
}

const freePorts = ["http", "grpc", "nats", "agent-grpc", "serving"].flatMap((name) => [`--${name}-port`, "0"]);

/** For the top of a test file. In the end nothing is left of it but what its home keeps. */
export const commandMesh = (): CommandMesh => {
	let summary: MeshSummary | null = null;
	let removePlace = async (): Promise<void> => undefined;
	const place = newPlace((end) => {
		removePlace = async () => end();
	});
	beforeAll(async () => {
		summary = await place.json<MeshSummary>("up", "--detach", "--name", "lab", ...freePorts);
	});
	// One hook: where one fails, vitest runs no other.
	afterAll(async () => {
		try {
			const { code, stdout, stderr } = await place.run("down");
			expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
			expect(stdout.toString()).toMatch(/^stopped mesh \(process \d+\)$/m);
			expect(processesNaming(place.folder), "left by `down`").toEqual([]);
			expect([place.home.mesh, place.home.lock].filter(existsSync), "left by `down`").toEqual([]);
		} finally {
			await removePlace();
		}
	});
	return {
		...place,
		summary: () => {
			if (!summary) throw new Error("the mesh is not up yet");
			return summary;
		},
		pipeline: (name, text, files = {}) => `${place.write(name, { ...files, "pipeline.yaml": text })}/pipeline.yaml`,
	};
};
