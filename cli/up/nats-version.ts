/** What a nats-server binary says of itself, and how versions compare. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** "2.14.6"; throws when the file is no nats-server that runs here. */
export const readNatsVersion = async (path: string): Promise<string> => {
	const { stdout } = await run(path, ["--version"], { timeout: 10_000, maxBuffer: 64 * 1024 });
	const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
	if (!version) throw new Error(`${path} --version does not name a version`);
	return version;
};

export const versionAtLeast = (version: string, lowest: string): boolean => {
	const [have, want] = [version.split(".").map(Number), lowest.split(".").map(Number)];
	const differs = want.findIndex((part, index) => (have[index] ?? 0) !== part);
	return differs === -1 || (have[differs] ?? 0) > (want[differs] ?? 0);
};
