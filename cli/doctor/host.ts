/** Checks of this machine: Node, the home folder, credentials, and the tools that agents make use of. */

import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { access, constants, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readCredentials } from "#shared/credentials.ts";
import type { Home } from "#shared/home.ts";
import { provisionNatsServer } from "../up/nats-provision.ts";
import { lowestNatsVersion, natsRelease, preferredNatsVersion } from "../up/nats-release.ts";
import { versionAtLeast } from "../up/nats-version.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const run = promisify(execFile);

const LOWEST_NODE = "22.18.0";
const GIB = 1024 ** 3;
const LOW_DISK_BYTES = 5 * GIB;
const NO_DISK_BYTES = GIB / 4;
const RUNTIME_MS = 30_000;

export const checkNode = (): Check => {
	const version = process.versions.node;
	return versionAtLeast(version, LOWEST_NODE)
		? ok("node", `${version} at ${process.execPath}`)
		: fail("node", `${version} can't run the sources`, `use Node ${LOWEST_NODE} or newer; \`npm ci\` brings one`);
};

/** Which server `up` would start, and what it risks. */
export const checkNatsServer = async (home: Home, env: NodeJS.ProcessEnv): Promise<Check> => {
	const name = "nats-server";
	const newer = `\`npm ci\` or \`runmesh up\` fetches ${natsRelease.version}; or set RUNMESH_NATS_SERVER to a newer one`;
	try {
		const { path, version, source } = await provisionNatsServer({ cache: home.cache, env, fetch: false });
		const found = `${version} from ${source}: ${path}`;
		if (versionAtLeast(version, preferredNatsVersion)) return ok(name, found);
		const risk = versionAtLeast(version, "2.10.0")
			? "before 2.10.23 a killed server can lose whole streams"
			: "what a power cut takes is put back from the coordinator's copy of the last minutes alone";
		return warn(name, `${found}; ${risk}`, newer);
	} catch (error) {
		if (env.RUNMESH_NATS_SERVER)
			return fail(name, (error as Error).message, "correct RUNMESH_NATS_SERVER, or unset it");
		const own = `or install ${lowestNatsVersion} or newer and set RUNMESH_NATS_SERVER`;
		return warn(name, "none on this machine yet", `\`runmesh up\` fetches ${natsRelease.version} when online; ${own}`);
	}
};

export const checkHome = async (home: Home): Promise<Check> => {
	const folder = nearestFolder(home.root);
	const advice = "choose another folder with --home or RUNMESH_HOME";
	try {
		await access(folder, constants.W_OK | constants.X_OK);
		const { bavail, bsize } = await statfs(folder);
		const free = bavail * bsize;
		const detail = `${home.root}, ${(free / GIB).toFixed(1)} GiB free`;
		if (free < NO_DISK_BYTES) return fail("home", detail, `free some space, or ${advice}`);
		if (free < LOW_DISK_BYTES) return warn("home", detail, `artifacts and logs may need more: ${advice}`);
		return ok("home", detail);
	} catch (error) {
		return fail("home", `${home.root} can't be written: ${(error as Error).message}`, advice);
	}
};

/** `up` makes what is missing of the path. */
const nearestFolder = (path: string): string => {
	const parent = dirname(path);
	return statSync(path, { throwIfNoEntry: false }) || parent === path ? path : nearestFolder(parent);
};

export const checkCredentials = (home: Home): Check => {
	const name = "credentials";
	const stats = statSync(home.credentials, { throwIfNoEntry: false });
	if (!stats) return ok(name, "none yet; `runmesh up` makes them");
	const mode = stats.mode & 0o777;
	if (process.platform !== "win32" && (mode & 0o077) !== 0) {
		const detail = `${home.credentials} has mode ${mode.toString(8)}: others on this machine may read it`;
		return fail(name, detail, `chmod 600 ${home.credentials}`);
	}
	try {
		if (readCredentials(home, {})) return ok(name, `${home.credentials}, mode ${mode.toString(8)}`);
		return fail(name, `${home.credentials} is not complete`, "delete it; the next `runmesh up` makes new ones");
	} catch (error) {
		return fail(name, (error as Error).message, "delete it; the next `runmesh up` makes new ones");
	}
};

/** In a child: a runtime that can't be loaded may take its process with it. */
export const checkOnnxRuntime = async (): Promise<Check> => {
	const name = "onnxruntime";
	const program =
		'const { env } = await import("onnxruntime-node"); console.log(env.versions.node ?? env.versions.common)';
	try {
		const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], {
			cwd: fileURLToPath(new URL("../../", import.meta.url)),
			env: { ...process.env, ORT_DISABLE_TELEMETRY: "1" },
			timeout: RUNTIME_MS,
		});
		return ok(name, `${stdout.trim()} loads`);
	} catch (error) {
		const reason = (error as Error).message.split("\n").find((line) => /Error/.test(line)) ?? "it did not answer";
		return fail(
			name,
			`does not load: ${reason.trim()}`,
			"run `npm ci` again; without it this machine can't serve models",
		);
	}
};
