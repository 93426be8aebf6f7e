/**
 * After `npm ci`: fetches nats-server into the user's cache, so that everything later works without a network.
 * A failure is a warning. Plain JavaScript on purpose: npm may run it with an older Node.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bundled = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const node = existsSync(bundled) ? bundled : process.execPath;
const LIMIT_MS = 180_000;

const program = `
const [{ provisionNatsServer }, { resolveHome }] = await Promise.all([
	import(${JSON.stringify(new URL("../cli/up/nats-provision.ts", import.meta.url).href)}),
	import(${JSON.stringify(new URL("../shared/home.ts", import.meta.url).href)}),
]);
const { path, version } = await provisionNatsServer({ cache: resolveHome().cache });
console.log("runmesh: nats-server " + version + " is " + path);
`;

const { status, stderr, error } = spawnSync(node, ["--input-type=module", "--eval", program], {
	stdio: ["ignore", "inherit", "pipe"],
	encoding: "utf8",
	timeout: LIMIT_MS,
});

if (status !== 0) {
	const lines = (stderr ?? "").split("\n").map((line) => line.trim());
	const reason = error?.message ?? lines.find((line) => /Error\b.*:/.test(line)) ?? "it did not finish";
	console.warn(`runmesh: no nats-server could be set up now: ${reason.replace(/^\w*Error( \[\w+\])?: /, "")}`);
	console.warn("runmesh: `runmesh up` tries again; or install one and set RUNMESH_NATS_SERVER to its path");
}
