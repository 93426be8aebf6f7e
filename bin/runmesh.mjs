#!/usr/bin/env node
/**
 * The command `runmesh`. It may be started by an older Node: then it looks for one that runs the sources directly,
 * and hands over. Plain JavaScript on purpose.
 */

import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants, homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LOWEST = [22, 18];

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const main = join(root, "cli", "main.ts");

const runsSources = (version) => {
	const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
	return major > LOWEST[0] || (major === LOWEST[0] && minor >= LOWEST[1]);
};

/** The Node that `npm ci` brings; null when it is not there or does not run. */
const bundledNode = () => {
	const name = process.platform === "win32" ? "node.exe" : "node";
	const path = join(root, "node_modules", "node", "bin", name);
	if (!existsSync(path)) return null;
	try {
		return runsSources(execFileSync(path, ["--version"], { encoding: "utf8" }).trim()) ? path : null;
	} catch {
		return null;
	}
};

const handOver = (node) => {
	const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
	// The terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone is passed on.
	process.on("SIGINT", () => undefined);
	for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
	child.on("error", (error) => {
		console.error(`runmesh: ${node} can't be started: ${error.message}`);
		process.exitCode = 70;
	});
	child.on("exit", (code, signal) => {
		process.exitCode = code ?? 128 + constants.signals[signal];
	});
};

if (runsSources(process.version)) {
	process.argv[1] = main;
	// A cached start is about twice as fast. Asked of the module, for an older Node has no such export to import.
	module.enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(homedir(), ".cache", "runmesh", "compile"));
	await import(main);
} else {
	const node = bundledNode();
	if (node) handOver(node);
	else {
		console.error(
			`runmesh: needs Node ${LOWEST.join(".")} or newer, and this is ${process.version}\n` +
				"  install a newer one (https://nodejs.org), or run `npm ci` in the package's folder, which brings its own",
		);
		process.exitCode = 70;
	}
}
