/** Writes and removes `mesh.json`, by which the CLI and tools find the running mesh. */

import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { Home } from "#shared/home.ts";
import { type Mesh, readMesh } from "#shared/mesh.ts";

/** Readers see the old file or the new one, never half of it. */
export const writeMesh = (home: Home, mesh: Mesh): void => {
	const staged = `${home.mesh}.${process.pid}`;
	writeFileSync(staged, `${JSON.stringify(mesh, null, "\t")}\n`, { mode: 0o600 });
	renameSync(staged, home.mesh);
};

export const removeMesh = (home: Home): void => {
	if (readMesh(home)?.pid === process.pid) rmSync(home.mesh, { force: true });
};
