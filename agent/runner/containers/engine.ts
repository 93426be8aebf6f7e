/**
 * The container engine of this host: docker or podman, rootless ones too. One is used only when it answers: that its
 * program is installed says little.
 */

import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { type Client, ClientError, call, clientOf } from "./client.ts";

export type EngineName = "docker" | "podman";
export type EngineChoice = "auto" | EngineName | "none";

export interface Engine extends Client {
	name: EngineName;
	version: string;
	/** It runs as the agent's own user: "root" in a container is nobody more than that. */
	rootless: boolean;
	/** It can put a process before the step's that passes signals on and takes in orphans. */
	init: boolean;
	/** Limits that it keeps here. */
	limits: { memory: boolean; cpu: boolean; pids: boolean };
	/** Files that are mounted need to be exempt from its labels. */
	selinux: boolean;
	/** It maps users unless told not to. */
	remapsUsers: boolean;
	/** What a container reads of the host's files shows on them: it shares their kernel. */
	sharesKernel: boolean;
}

export interface FoundEngine {
	/** null when none can be used. */
	engine: Engine | null;
	/** Why not, by program; a program that is not installed is not named. */
	problems: Record<string, string>;
}

const PROBE_MS = 3_000;

export const findEngine = async (choice: EngineChoice, env: NodeJS.ProcessEnv = process.env): Promise<FoundEngine> => {
	const problems: Record<string, string> = {};
	const names = choice === "none" ? [] : choice === "auto" ? (["docker", "podman"] as const) : [choice];
	for (const name of names) {
		try {
			const client = clientOf(name, env);
			const info = JSON.parse(await call(client, ["info", "--format", "{{json .}}"], { timeoutMs: PROBE_MS }));
			const engine = name === "docker" ? dockerEngine(client, info) : podmanEngine(client, info);
			if (engine) return { engine, problems };
			problems[name] = `${name} info says nothing of an engine`;
		} catch (error) {
			if (error instanceof ClientError && error.missing && choice === "auto") continue;
			problems[name] = error instanceof ClientError ? error.message : `${name} info can't be read`;
		}
	}
	return { engine: null, problems };
};

const KERNEL_RUNTIMES = new Set(["runc", "crun", "nvidia"]);

interface DockerInfo {
	ServerVersion?: string;
	SecurityOptions?: string[];
	InitBinary?: string;
	InitCommit?: { ID?: string };
	MemoryLimit?: boolean;
	CpuCfsQuota?: boolean;
	PidsLimit?: boolean;
	DefaultRuntime?: string;
	KernelVersion?: string;
}

/** null for the answer of something else, such as podman under docker's name, or of a client without an engine. */
const dockerEngine = (client: Client, info: DockerInfo): Engine | null => {
	if (!info.ServerVersion) return null;
	const security = (info.SecurityOptions ?? []).map((option) => option.split(",")[0]);
	const { ID: commit = "" } = info.InitCommit ?? {};
	return {
		...client,
		name: "docker",
		version: info.ServerVersion,
		rootless: security.includes("name=rootless"),
		init: isKnown(commit) || isInstalled(info.InitBinary || "docker-init", DOCKER_HELPERS),
		limits: {
			memory: info.MemoryLimit ?? false,
			cpu: info.CpuCfsQuota ?? false,
			pids: info.PidsLimit ?? false,
		},
		selinux: security.includes("name=selinux"),
		remapsUsers: security.includes("name=userns"),
		sharesKernel: process.platform === "linux" && KERNEL_RUNTIMES.has(info.DefaultRuntime ?? ""),
	};
};

interface PodmanInfo {
	host?: {
		security?: { rootless?: boolean; selinuxEnabled?: boolean };
		ociRuntime?: { name?: string };
		cgroupVersion?: string;
		cgroupControllers?: string[];
	};
	version?: { Version?: string };
}

const podmanEngine = (client: Client, { host, version }: PodmanInfo): Engine | null => {
	if (!host || !version?.Version) return null;
	const rootless = host.security?.rootless ?? false;
	const controllers = host.cgroupControllers ?? [];
	// Without root only what is delegated can be limited, and of version 1 nothing is.
	const keeps = (controller: string): boolean =>
		host.cgroupVersion === "v2" ? controllers.includes(controller) : !rootless;
	return {
		...client,
		name: "podman",
		version: version.Version,
		rootless,
		init: isInstalled("catatonit", PODMAN_HELPERS),
		limits: { memory: keeps("memory"), cpu: keeps("cpu"), pids: keeps("pids") },
		selinux: host.security?.selinuxEnabled ?? false,
		remapsUsers: false,
		sharesKernel: process.platform === "linux" && KERNEL_RUNTIMES.has(host.ociRuntime?.name ?? ""),
	};
};

const isKnown = (commit: string): boolean => commit !== "" && commit !== "N/A";

const DOCKER_HELPERS = ["/usr/libexec/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/local/lib/docker"];
const PODMAN_HELPERS = [
	"/usr/libexec/podman",
	"/usr/local/libexec/podman",
	"/usr/lib/podman",
	"/usr/libexec/catatonit",
];

const isInstalled = (program: string, helpers: readonly string[]): boolean =>
	[...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/local/bin", ...helpers].some((folder) =>
		existsSync(`${folder || "."}/${program}`),
	);
