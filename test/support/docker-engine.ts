/** A Docker engine of the test's own: its daemon, its folder, and an image made of the host's shell and a few tools. */

import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const pathOf = (program: string): string => {
	const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
	return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? "";
};

/** Why no engine can be started here; "" where one can. */
export const whyNoEngine = (): string => {
	if (process.platform !== "linux") return "not on Linux";
	if (process.getuid?.() !== 0) return "starting an engine takes root";
	const missing = ["dockerd", "docker", "containerd", "runc", "tar"].filter((program) => pathOf(program) === "");
	return missing.length === 0 ? "" : `${missing.join(", ")} not installed`;
};

export interface DockerEngine {
	/** For DOCKER_HOST. */
	readonly host: string;
	/** With /bin/sh. */
	readonly image: string;
	/** With nothing but a program, /tool. */
	readonly bareImage: string;
	/** Resolves with what it printed. */
	docker(...args: string[]): Promise<string>;
	/** Names of all containers, running or not. */
	containers(): Promise<string[]>;
	/** Ends the daemon. */
	kill(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
	start(): Promise<void>;
	/** All of it goes away. */
	stop(): Promise<void>;
}

const STARTS_WITHIN_MS = 60_000;
const TOOLS = ["sh", "cat", "id", "sleep", "touch", "ls", "head", "env", "tail", "mkdir", "dd"];

export const startDockerEngine = async (): Promise<DockerEngine> => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-docker-"));
	const host = `unix://${folder}/docker.sock`;
	const image = "runmesh-test/tools:1";
	const bareImage = "runmesh-test/bare:1";
	let daemon: ChildProcess | null = null;

	const docker = async (...args: string[]): Promise<string> =>
		(await run("docker", ["--host", host, ...args], { maxBuffer: 16 * 1024 ** 2 })).stdout.trim();

	const start = async (): Promise<void> => {
		const own = ["--data-root", `${folder}/data`, "--exec-root", `${folder}/exec`, "--pidfile", `${folder}/pid`];
		// Neither bridges nor rules of a firewall: nobody else on this host is to notice.
		const quiet = ["--bridge", "none", "--iptables=false", "--ip6tables=false", "--log-level", "error"];
		const child = spawn(pathOf("dockerd"), [...own, ...quiet, "--host", host], { stdio: "ignore" });
		daemon = child;
		for (const untilMs = Date.now() + STARTS_WITHIN_MS; ; await delay(100)) {
			if (await docker("info").then(Boolean, () => false)) return;
			if (child.exitCode !== null || Date.now() > untilMs) throw new Error("dockerd does not start here");
		}
	};

	const end = async (signal: NodeJS.Signals): Promise<void> => {
		const child = daemon;
		daemon = null;
		if (!child || child.exitCode !== null || child.signalCode !== null) return;
		const exited = once(child, "exit");
		child.kill(signal);
		await exited;
	};

	const importImage = async (name: string, paths: string[], rename: string[] = []): Promise<void> => {
		const tar = ["tar", "--create", "--dereference", "--directory", "/", ...rename, ...paths];
		const words = tar.map((word) => `'${word}'`).join(" ");
		await run("/bin/sh", ["-c", `${words} | docker --host '${host}' import - ${name}`]);
	};

	try {
		await start();
		const tools = TOOLS.map(pathOf);
		await importImage(image, [...new Set(tools.flatMap((tool) => [tool, ...librariesOf(tool)]))].map(fromRoot), [
			...["--transform", "s,^\\(usr/\\)\\?s\\?bin/,bin/,"],
		]);
		const cat = pathOf("cat");
		await importImage(bareImage, [cat, ...librariesOf(cat)].map(fromRoot), [...["--transform", "s,^.*/cat$,tool,"]]);
	} catch (error) {
		await end("SIGKILL");
		await rm(folder, { recursive: true, force: true });
		throw error;
	}

	return {
		...{ host, image, bareImage, docker, start },
		containers: async () => (await docker("ps", "--all", "--format", "{{.Names}}")).split("\n").filter(Boolean),
		kill: async (signal) => {
			await end(signal);
			// Of those that went with it too: nobody may have reaped them when the next one looks.
			for (const file of ["pid", "exec/containerd/containerd.pid"]) await rm(`${folder}/${file}`, { force: true });
		},
		stop: async () => {
			if (daemon) {
				const ids = (await docker("ps", "--all", "--quiet").catch(() => "")).split("\n").filter(Boolean);
				if (ids.length > 0) await docker("rm", "--force", ...ids).catch(() => undefined);
			}
			await end("SIGTERM");
			endFamily(folder);
			unmountAll(folder);
			await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
		},
	};
};

const fromRoot = (path: string): string => path.replace(/^\//, "");

/** Of a program that is linked to some; none of a static one. */
const librariesOf = (program: string): string[] => {
	try {
		const listed = execFileSync("ldd", [program], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
		return listed.split("\n").flatMap((line) => /(\/\S+) \(0x/.exec(line)?.slice(1, 2) ?? []);
	} catch {
		return [];
	}
};

/** A daemon that was killed leaves its containerd and shims. */
const endFamily = (folder: string): void => {
	const listed = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
	for (const line of listed.split("\n")) {
		const [, pid, args = ""] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
		if (!args.includes(folder) || Number(pid) === process.pid) continue;
		try {
			process.kill(Number(pid), "SIGKILL");
		} catch {
			// Gone already.
		}
	}
};

const unmountAll = (folder: string): void => {
	const mounts = execFileSync("cat", ["/proc/self/mounts"], { encoding: "utf8" });
	for (const line of mounts.split("\n").reverse()) {
		const [, place = ""] = line.split(" ");
		if (!place.startsWith(`${folder}/`)) continue;
		try {
			execFileSync("umount", ["--lazy", place], { stdio: "ignore" });
		} catch {
			// Gone already.
		}
	}
};
