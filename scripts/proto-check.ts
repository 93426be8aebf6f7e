/** `npm run proto:check`: contracts are well formed, break nothing that was released, and match the committed types. */

import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateTypes } from "./proto-gen.ts";

const proto = fileURLToPath(new URL("../proto/", import.meta.url));

const buf = (...args: string[]): void => {
	execFileSync("buf", args, { cwd: proto, stdio: "inherit" });
};

const filesOf = (folder: string): Map<string, string> =>
	new Map(
		globSync("**/*.ts", { cwd: folder })
			.sort()
			.map((file) => [file, readFileSync(join(folder, file), "utf8")]),
	);

/** Committed types that differ from what the contracts generate. */
const staleTypes = (): string[] => {
	const fresh = mkdtempSync(join(tmpdir(), "runmesh-proto-"));
	try {
		generateTypes(fresh);
		const [committed, generated] = [filesOf(join(proto, "gen")), filesOf(fresh)];
		const names = new Set([...committed.keys(), ...generated.keys()]);
		return [...names].filter((name) => committed.get(name) !== generated.get(name));
	} finally {
		rmSync(fresh, { recursive: true });
	}
};

buf("lint");
buf("breaking", "--against", "baseline.binpb");
const stale = staleTypes();
if (stale.length > 0) {
	console.error(`proto/gen is stale (${stale.join(", ")}): run \`npm run proto:gen\` and commit it`);
	process.exitCode = 1;
}
