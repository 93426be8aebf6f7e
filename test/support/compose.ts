/** Docker Compose for tests: whether it can be had here, and a project of its own that leaves nothing behind. */

import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

const succeeds = (command: string, ...args: string[]): boolean => {
	try {
		execFileSync(command, args, { stdio: "ignore", timeout: 180_000 });
		return true;
	} catch {
		return false;
	}
};

const variants = [["docker", "compose"], ["docker-compose"]] as const;
const variant = variants.find(([command, ...args]) => succeeds(command, ...args, "version"));

const images = [process.env.BASE_IMAGE || "node:24-bookworm-slim", process.env.NATS_IMAGE || "nats:2.14-alpine"];
const isHere = (image: string): boolean => succeeds("docker", "image", "inspect", image);

/** Why no container can be started here; "" where it can. */
export const whyNoContainers = (): string => {
	if (!variant) return "Docker Compose is not installed";
	if (!succeeds("docker", "info")) return "no Docker engine answers";
	const missing = images.filter((image) => !isHere(image) && !succeeds("docker", "pull", "--quiet", image));
	return missing.length === 0 ? "" : `${missing.join(" and ")} can't be pulled`;
};

export interface ComposeProject {
	/** `docker compose ARGS`; resolves with what it printed to standard output, rejects unless it succeeds. */
	compose(...args: string[]): Promise<string>;
	/** A command in a service's container. */
	inside(service: string, ...command: string[]): Promise<string>;
	/** Of the service's container, by the engine's own template. */
	inspect(service: string, template: string): Promise<string>;
	/** Stops and removes all of it; resolves with the names of what is there all the same. */
	remove(): Promise<string[]>;
}

export const newComposeProject = (env: NodeJS.ProcessEnv): ComposeProject => {
	const name = `runmesh-test-${randomBytes(4).toString("hex")}`;
	const image = name;
	const [program = "docker", ...first] = variant ?? [];
	const output = async (command: string, args: string[]): Promise<string> => {
		const { stdout } = await run(command, args, {
			cwd: root,
			env: { ...process.env, ...env, COMPOSE_PROJECT_NAME: name, RUNMESH_IMAGE: image },
			maxBuffer: 64 * 1024 ** 2,
		});
		return stdout.trim();
	};
	const compose = (...args: string[]): Promise<string> => output(program, [...first, ...args]);
	const lines = async (...args: string[]): Promise<string[]> =>
		(await output("docker", args)).split("\n").filter((line) => line !== "");
	return {
		compose,
		inside: (service, ...command) => compose("exec", "-T", service, ...command),
		inspect: async (service, template) =>
			output("docker", ["inspect", "--format", template, await compose("ps", "-q", service)]),
		remove: async () => {
			await compose("down", "--volumes", "--timeout", "5");
			if (isHere(image)) await output("docker", ["image", "rm", image]);
			const ours = ["--quiet", "--filter", `label=com.docker.compose.project=${name}`];
			const left = [lines("ps", "--all", ...ours), lines("volume", "ls", ...ours), lines("network", "ls", ...ours)];
			return (await Promise.all(left)).flat();
		},
	};
};
