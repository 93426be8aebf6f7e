/** The command line that runs a step in a container, as its supervisor runs it. */

import type { Gpu, Task } from "#shared/domain.ts";
import { quote } from "../../system/shell.ts";
import type { AttemptPaths } from "../files/paths.ts";
import type { Environment } from "../setup/environment.ts";
import { deviceArgs } from "./devices.ts";
import type { Engine } from "./engine.ts";

export interface ContainerSetup {
	engine: Engine;
	/** Of the attempt alone, on this host. */
	name: string;
	labels: Readonly<Record<string, string>>;
	/** By its digest: what was made ready is what runs. */
	imageId: string;
	/** The step's program and its arguments, inside. */
	program: readonly string[];
	cwd: string;
	/** What the client reads variables from, and those that it passes on from its own environment. */
	envFile: string;
	passed: readonly string[];
	gpus: readonly Pick<Gpu, "id" | "vendor">[];
	/** The agent's own; to it belongs what the step writes. */
	user: { uid: number; gid: number };
	hostMemoryBytes: number;
}

/** Processes and threads: far more than a step needs, far fewer than stop a host. */
const PIDS = 16_384;
/** Engines refuse less. */
const LEAST_MEMORY = 6 * 1024 ** 2;
const LEAST_CPU = 10;

/** The arguments of the engine's client. */
export const containerArgs = (task: Task, paths: AttemptPaths, setup: ContainerSetup): string[] => {
	const { engine, program, imageId } = setup;
	const [entrypoint = "", ...args] = program;
	return [
		...["run", "--name", setup.name, ...labelArgs(setup.labels)],
		// It is here already; what it prints is kept once, by us.
		...["--pull", "never", "--log-driver", "none", "--no-healthcheck"],
		...(engine.init ? ["--init"] : []),
		...userArgs(engine, setup.user),
		...["--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
		...(engine.selinux ? ["--security-opt", "label=disable"] : []),
		...(task.gang ? ["--network", "host"] : []),
		...limitArgs(task, setup),
		...deviceArgs(engine, setup.gpus),
		...["--env-file", setup.envFile, ...setup.passed.flatMap((name) => ["--env", name])],
		...mountArgs(paths),
		...["--workdir", setup.cwd, "--entrypoint", entrypoint],
		...[imageId, ...args],
	];
};

const labelArgs = (labels: Readonly<Record<string, string>>): string[] =>
	Object.entries(labels).flatMap(([name, value]) => ["--label", `${name}=${value}`]);

/**
 * Whatever the step writes outside must be the agent's, to be taken and removed: inside it is the agent's own user, or
 * the one that a rootless engine maps to it. Without capabilities it can't give files to others.
 */
const userArgs = (engine: Engine, { uid, gid }: ContainerSetup["user"]): string[] => {
	if (engine.name === "podman" && engine.rootless) return ["--userns", "keep-id"];
	if (engine.rootless) return ["--user", "0:0"];
	return ["--user", `${uid}:${gid}`, ...(engine.remapsUsers ? ["--userns", "host"] : [])];
};

const limitArgs = ({ limits }: Task, { engine, hostMemoryBytes }: ContainerSetup): string[] => {
	const memoryBytes = limits.memoryBytes > 0 ? Math.max(limits.memoryBytes, LEAST_MEMORY) : 0;
	const cpuMillis = limits.cpuMillis > 0 ? Math.max(limits.cpuMillis, LEAST_CPU) : 0;
	// Of the engine's own 64 MiB the workers of a data loader find no room; what lies in it counts as memory.
	const shared = memoryBytes > 0 ? memoryBytes : Math.floor(hostMemoryBytes / 2);
	return [
		...(memoryBytes > 0 && engine.limits.memory
			? ["--memory", `${memoryBytes}b`, "--memory-swap", `${memoryBytes}b`]
			: []),
		...(cpuMillis > 0 && engine.limits.cpu ? ["--cpus", String(cpuMillis / 1000)] : []),
		...(engine.limits.pids ? ["--pids-limit", String(PIDS)] : []),
		...["--shm-size", `${shared}b`],
	];
};

/** At the same paths as outside, so that RUNMESH_* say the same. The records of the attempt stay out of reach. */
const mountArgs = ({ work, inputs, outputs, params, metrics }: AttemptPaths): string[] =>
	[mount(work), mount(inputs, "readonly"), mount(params, "readonly"), mount(outputs), mount(metrics)].flatMap(
		(text) => ["--mount", text],
	);

const mount = (path: string, ...flags: string[]): string =>
	["type=bind", `source=${path}`, `target=${path}`, ...flags].map(field).join(",");

/** Of a line of comma-separated values. */
const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** For a supervisor: the client with its environment, which no list of processes shows. */
export const containerScript = (engine: Engine, args: readonly string[], env: Environment): string => {
	const assigned = Object.entries({ ...env, ...engine.env }).map(([name, value]) => `${name}=${quote(value)}`);
	return `cd / && ${[...assigned, engine.program, ...args.map(quote)].join(" ")}\n`;
};
