/** Programs that make environments: where they are, and what they say of themselves. */

import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import type { Environment } from "../runner/setup/environment.ts";

/** null when it is in none of the folders. */
export const findProgram = (name: string, folders: readonly string[]): string | null => {
	for (const folder of folders) {
		const path = `${folder}/${name}`;
		if (isProgram(path)) return path;
	}
	return null;
};

const isProgram = (path: string): boolean => {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile();
	} catch {
		return false;
	}
};

const PATIENCE_MS = 20_000;
/** Somebody may install another one meanwhile. */
const KNOWN_FOR_MS = 60_000;

const KNOWN_MAX = 50;

const known = new Map<string, { said: Promise<string | null>; atMs: number }>();

/** What it prints; null when it fails. The same question is not asked again at once. */
export const askProgram = (program: string, args: readonly string[], env: Environment): Promise<string | null> => {
	const question = JSON.stringify([program, args, env]);
	const before = known.get(question);
	if (before && performance.now() - before.atMs < KNOWN_FOR_MS) return before.said;
	if (known.size >= KNOWN_MAX) known.clear();
	const said = new Promise<string | null>((resolve) => {
		const options = { env, cwd: "/", timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
		execFile(program, args, options, (error, stdout) => resolve(error ? null : stdout.trim()));
	});
	known.set(question, { said, atMs: performance.now() });
	return said;
};
