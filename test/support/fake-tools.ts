/** Programs that stand in for others on PATH, while one test runs. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { onTestFinished } from "vitest";

/** By name the script of each, for /bin/sh; found before any other. Gives the folder that they are in. */
export const fakeTools = (scripts: Readonly<Record<string, string>>): string => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-tools-"));
	const path = process.env.PATH;
	for (const [name, script] of Object.entries(scripts)) {
		writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
	}
	process.env.PATH = `${folder}${delimiter}${path}`;
	onTestFinished(() => {
		process.env.PATH = path;
		rmSync(folder, { recursive: true, force: true });
	});
	return folder;
};
