/**
 * What every command stands on: resolved once from flags, the environment and the home, then frozen. A command
 * calls its `ContextProvider` in its action, since at registration nothing is parsed yet and `--help` must be fast.
 */

import { readApiToken, readInferenceToken } from "#shared/client-tokens.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import type { Mesh } from "#shared/mesh.ts";
import type { ApiClient } from "./lib/client.ts";

export type OutputFormat = "human" | "json";

export const DEFAULT_URL = "http://127.0.0.1:7400";

/** A stream to write to, as much of it as the commands use. */
export type Sink = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

export interface CliContext {
	readonly home: Home;
	/** Of the coordinator's HTTP API, without a slash at the end. */
	readonly url: string;
	/** null where none was found: open endpoints still answer. */
	readonly token: string | null;
	/** What models are asked with. */
	readonly inferenceToken: () => string | null;
	readonly output: OutputFormat;
	readonly stdout: Sink;
	readonly stderr: Sink;
	/** stdout is a terminal: colours, live views and escaping are wanted. */
	readonly isTerminal: boolean;
	/** Colours are wanted on stdout: a terminal, and NO_COLOR not set. */
	readonly colors: boolean;
	readonly client: () => ApiClient;
}

export type ContextProvider = () => Promise<CliContext>;

/** The options that every command takes, as commander leaves them. */
export interface GlobalOptions {
	output?: OutputFormat;
	url?: string;
	token?: string;
	home?: string;
}

/** What the process brings: given, so that a test can bring its own. */
export interface Surroundings {
	env: NodeJS.ProcessEnv;
	stdout: Sink;
	stderr: Sink;
}

const normalizeUrl = (text: string): string => {
	if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
		throw new RunmeshError("RM_BAD_INPUT", `"${text}" is not an http(s) URL`, {
			hint: `--url and RUNMESH_URL look like ${DEFAULT_URL}`,
		});
	}
	return text.replace(/\/+$/, "");
};

const joinedUrl = async (home: Home): Promise<string | null> => {
	const { readJoined } = await import("#shared/joined.ts");
	return readJoined(home)?.url ?? null;
};

const meshOf = async (home: Home): Promise<Mesh | null> => {
	const { readMesh } = await import("#shared/mesh.ts");
	return readMesh(home);
};

/** `up` runs, and starts again what has died. */
const isKeptUp = ({ pid }: Mesh): boolean => {
	try {
		return process.kill(pid, 0);
	} catch {
		return false;
	}
};

export const wantsColor = (env: NodeJS.ProcessEnv, sink: Sink): boolean =>
	!env.NO_COLOR && env.TERM !== "dumb" && sink.isTTY === true;

/** Flags go before the environment, the environment before the home's files, those before the defaults. */
export const resolveContext = async (options: GlobalOptions, around: Surroundings): Promise<CliContext> => {
	const { env, stdout, stderr } = around;
	const home = resolveHome(options.home ?? (env.RUNMESH_HOME || undefined));
	const named = options.url || env.RUNMESH_URL;
	const mesh = named ? null : await meshOf(home);
	const url = normalizeUrl(named || mesh?.url || (await joinedUrl(home)) || DEFAULT_URL);
	const token = options.token || env.RUNMESH_TOKEN || readApiToken(home);
	const { createApiClient } = await import("./lib/client.ts");
	let client: ApiClient | undefined;
	return Object.freeze({
		home,
		url,
		token,
		inferenceToken: () => env.RUNMESH_INFERENCE_TOKEN || readInferenceToken(home, token),
		output: options.output ?? "human",
		stdout,
		stderr,
		isTerminal: stdout.isTTY === true,
		colors: wantsColor(env, stdout),
		client: () => {
			client ??= createApiClient({ url, token, isStarting: () => mesh !== null && isKeptUp(mesh) });
			return client;
		},
	});
};

/** Reads the options when first asked, after parsing, and resolves them once. */
export const contextProvider = (options: () => GlobalOptions, around: Surroundings): ContextProvider => {
	let resolved: Promise<CliContext> | undefined;
	return () => {
		resolved ??= resolveContext(options(), around);
		return resolved;
	};
};
