/** bin/runmesh.mjs is read by whatever Node the user has: what an older one does not export may not be imported by name. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const bin = readFileSync(new URL("../../../bin/runmesh.mjs", import.meta.url), "utf8");

/** In every Node from 20.0 on. */
const exportedSince20 = [
	"constants",
	"dirname",
	"execFileSync",
	"existsSync",
	"fileURLToPath",
	"homedir",
	"join",
	"spawn",
];

test("an older Node can read the command, and so say or do something about its age", () => {
	const named = [...bin.matchAll(/^import \{([^}]+)\} from "node:/gm)].flatMap(([, names = ""]) =>
		names.split(",").map((name) => name.trim()),
	);
	expect(named.toSorted()).toEqual(exportedSince20);
	expect(bin.match(/^import .*$/gm)).toHaveLength(6);
});
