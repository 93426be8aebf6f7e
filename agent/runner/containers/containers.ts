/**
 * Steps with an image. Their container runs under the same supervisor as any command: what it runs is the engine's
 * client, in the foreground, so that output, exit code and a restarted agent's taking up are a process's. What is left
 * to do here is what a process does not need: an engine, the image, and the container's own end, for it outlives its
 * client when that is killed.
 */

import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { hostname, totalmem } from "node:os";
import type { Gpu, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { isImage } from "#shared/pipeline/image.ts";
import type { Ending } from "../../core/commands.ts";
import { sizeOf } from "../../logs/spool.ts";
import { AttemptError } from "../failure.ts";
import { writeOver } from "../files/file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { forgetMarks } from "../setup/code-use.ts";
import type { Environment } from "../setup/environment.ts";
import { programOf, workingFolder } from "../setup/launch.ts";
import type { ContainerUsage } from "./cgroup-usage.ts";
import { ClientError, call } from "./client.ts";
import { containerArgs, containerScript } from "./command.ts";
import { type Engine, type EngineChoice, findEngine } from "./engine.ts";
import { createImages, type ReadyImage } from "./images.ts";
import { lookAtEnd } from "./last-look.ts";
import { AGENT_LABEL, ATTEMPT_LABEL, createOrphans, FOLDER_LABEL } from "./orphans.ts";
import {
	type ContainerEnd,
	type ContainerRecord,
	envFileOf,
	readEnd,
	readRecord,
	writeEnd,
	writeRecord,
} from "./record.ts";
import { removeContainer } from "./state.ts";
import { variablesOf } from "./variables.ts";
import { exitOfContainer } from "./verdict.ts";
import { watchContainers } from "./watch.ts";

/** Nothing of the attempt has run, and this agent is not the place for it now. */
export class NoEngine extends Error {}

export interface ContainersOptions {
	agentId: AgentId;
	/** The agent's folder. */
	folder: string;
	choice: EngineChoice;
	nowMs(): number;
	warn(message: string, error: unknown): void;
}

export interface Containers {
	/** Brings the image. Rejects with NoEngine, or with why the image can't be had. */
	prepare(task: Task, paths: AttemptPaths, signal: AbortSignal): Promise<void>;
	/** What the supervisor runs. `env` is the step's. */
	script(task: Task, paths: AttemptPaths, env: Environment, gpus: readonly Pick<Gpu, "id" | "vendor">[]): string;
	/** Its client was started, by this agent or an earlier one. */
	follow(attemptId: AttemptId, paths: AttemptPaths): void;
	/** Resolves when a signal to the client reaches the step: before, nobody hears it. */
	begun(attemptId: AttemptId): Promise<void>;
	/** How it really ended; its container is gone then, but for an engine that does not answer. */
	end(attemptId: AttemptId, paths: AttemptPaths, ending: Ending): Promise<Ended>;
	/** What it has taken so far. */
	usage(attemptId: AttemptId): ContainerUsage;
	/** All its processes stand still, or go on; without a container nothing happens. */
	pause(attemptId: AttemptId, paths: AttemptPaths): Promise<void>;
	resume(attemptId: AttemptId, paths: AttemptPaths): Promise<void>;
	/** Once: these were recovered and have not been collected. What other containers are here is ended. */
	recovered(attemptIds: readonly AttemptId[]): void;
	/** Nothing more will be asked of it. */
	forget(attemptId: AttemptId): void;
	close(): void;
}

export interface Ended {
	ending: Ending;
	usage: ContainerUsage;
	/** That the engine kept. */
	limits: Record<string, string>;
}

/** After one found none. */
const LOOK_AGAIN_MS = 5_000;

export const createContainers = (options: ContainersOptions): Containers => {
	const { agentId, folder, choice, nowMs, warn } = options;
	const ours = { [AGENT_LABEL]: agentId, [FOLDER_LABEL]: folder };
	const mark = createHash("sha256").update(folder).digest("hex").slice(0, 8);
	const host = hostname();
	const images = createImages(host, nowMs);
	const watch = watchContainers();
	/** Attempts whose container, if there is one, is theirs still. */
	const wanted = new Set<AttemptId>();
	const orphans = createOrphans(ours, (attemptId) => wanted.has(attemptId), warn);
	const paused = new Set<AttemptId>();
	const prepared = new Map<AttemptId, { engine: Engine; image: ReadyImage }>();
	let found: Promise<Engine> | null = null;
	let isRecovered = false;
	let isSwept = false;

	/** One that answered once is asked no more; who finds that it does not, forgets it. */
	const engine = (): Promise<Engine> => {
		found ??= look();
		return found;
	};
	const look = async (): Promise<Engine> => {
		const { engine, problems } = await findEngine(choice);
		if (engine) {
			sweepOnce(engine);
			return engine;
		}
		setTimeout(forgetEngine, LOOK_AGAIN_MS).unref();
		throw new NoEngine(noEngine(choice, host, problems));
	};
	/** An engine may come up after the agent. */
	const sweepOnce = (engine: Engine): void => {
		if (!isRecovered || isSwept) return;
		isSwept = true;
		orphans.sweep(engine);
	};
	const forgetEngine = (): void => {
		found = null;
	};

	const forget = (attemptId: AttemptId): void => {
		prepared.delete(attemptId);
		wanted.delete(attemptId);
		paused.delete(attemptId);
	};

	const prepare = async (task: Task, paths: AttemptPaths, signal: AbortSignal): Promise<void> => {
		if (!isImage(task.image)) throw new AttemptError("launch", `"${task.image}" is no name of an image`);
		const using = await engine();
		const tell = (text: string): void => appendFileSync(paths.stderr, `runmesh: ${text}\n`, { mode: 0o600 });
		let image: ReadyImage;
		try {
			image = await images.ready(using, task.image, signal, () => tell(`pulling image ${task.image}`));
		} catch (error) {
			if (!(error instanceof ClientError) || !error.unreachable) throw error;
			forgetEngine();
			throw new NoEngine(`${using.name} does not answer on ${host}: ${error.message}`);
		}
		prepared.set(task.attemptId, { engine: using, image });
		tell(toldOf(task.image, image));
		// What is read inside shows outside only where both have one kernel.
		if (!using.sharesKernel) forgetMarks(paths);
	};

	const script: Containers["script"] = (task, paths, env, gpus) => {
		const ready = prepared.get(task.attemptId);
		if (!ready || task.action.kind !== "command") throw new AttemptError("launch", "its image is not ready");
		const { engine, image } = ready;
		const program = programOf(task.action.shell, task.action.command);
		const uid = process.getuid?.() ?? 0;
		const gid = process.getgid?.() ?? 0;
		// Of a user that the image does not know it would be "/".
		const home = uid === 0 || engine.rootless || "HOME" in env ? {} : { HOME: "/tmp" };
		const variables = variablesOf({ ...home, ...env });
		const envFile = envFileOf(paths);
		writeOver(envFile, variables.file);
		// A file that is not there can't be mounted.
		appendFileSync(paths.metrics, "", { mode: 0o600 });
		const name = `runmesh-${task.attemptId}-${mark}`;
		const args = containerArgs(task, paths, {
			...{ engine, name, program, envFile, gpus, user: { uid, gid } },
			labels: { ...ours, [ATTEMPT_LABEL]: task.attemptId },
			imageId: image.id,
			cwd: workingFolder(paths.work, task.action.workdir),
			passed: Object.keys(variables.direct),
			hostMemoryBytes: totalmem(),
		});
		writeRecord(paths, {
			...{ client: { program: engine.program, env: engine.env }, engine: engine.name, name },
			...{ image: task.image, imageId: image.id, program: program[0] ?? "" },
			limits: keptLimits(task, engine),
			...{ memoryBytes: task.limits.memoryBytes, setupBytes: sizeOf(paths.stderr) },
		});
		prepared.delete(task.attemptId);
		wanted.add(task.attemptId);
		return containerScript(engine, args, { ...variables.direct, RUNMESH_ATTEMPT: task.attemptId });
	};

	/** On a full disk it is told this once. */
	const keep = (paths: AttemptPaths, found: ContainerEnd): void => {
		try {
			writeEnd(paths, found);
		} catch (error) {
			warn(`how the container of ${paths.folder} ended could not be written down`, error);
		}
	};

	const end = async (attemptId: AttemptId, paths: AttemptPaths, ending: Ending): Promise<Ended> => {
		const record = readRecord(paths);
		const taken = watch.remove(attemptId);
		if (!record || ending.kind === "unstarted") {
			forget(attemptId);
			return { ending, usage: taken, limits: {} };
		}
		let found = readEnd(paths);
		if (!found) {
			found = await lookAtEnd(record, taken, { stopped: ending.stop !== null });
			keep(paths, found);
		}
		forget(attemptId);
		try {
			await removeContainer(record.client, record.name);
			// Its client may have been killed while the engine was making it.
			if (!found.state && ending.exit.exitCode === null) orphans.sweepSoon(record.client);
		} catch (error) {
			warn(`the container of ${attemptId} could not be removed; tried again later`, error);
			orphans.sweepSoon(record.client);
		}
		return {
			ending: { ...ending, exit: exitOfContainer(ending.exit, found, record) },
			usage: found.usage,
			limits: Object.fromEntries(record.limits.map((limit) => [limit, "container"])),
		};
	};

	const pause = async (attemptId: AttemptId, paths: AttemptPaths): Promise<void> => {
		const record = readRecord(paths);
		if (!record) return;
		paused.add(attemptId);
		await watch.begun(attemptId);
		if (paused.has(attemptId)) await tryTo("pause", record);
	};
	const resume = async (attemptId: AttemptId, paths: AttemptPaths): Promise<void> => {
		paused.delete(attemptId);
		const record = readRecord(paths);
		if (record) await tryTo("unpause", record);
	};
	/** It may have ended, or stand as it should: then there is nothing to do. */
	const tryTo = async (what: "pause" | "unpause", { client, name }: ContainerRecord): Promise<void> => {
		try {
			await call(client, [what, name]);
		} catch (error) {
			const isSo =
				error instanceof ClientError && /not running|no such container|not paused|already paused/i.test(error.message);
			if (!isSo) warn(`the container ${name} could not be told to ${what}`, error);
		}
	};

	return {
		prepare,
		script,
		end,
		follow: (attemptId, paths) => {
			const record = readRecord(paths);
			if (!record) return;
			wanted.add(attemptId);
			watch.add(attemptId, record);
		},
		begun: watch.begun,
		usage: watch.usage,
		pause,
		resume,
		recovered: (attemptIds) => {
			for (const attemptId of attemptIds) wanted.add(attemptId);
			isRecovered = true;
			// Where there is no engine, nothing runs under it.
			engine().then(sweepOnce, () => undefined);
		},
		forget,
		close: () => {
			watch.close();
			orphans.close();
		},
	};
};

const keptLimits = ({ limits }: Task, engine: Engine): string[] => [
	...(limits.memoryBytes > 0 && engine.limits.memory ? ["memory"] : []),
	...(limits.cpuMillis > 0 && engine.limits.cpu ? ["cpu"] : []),
];

const noEngine = (choice: EngineChoice, host: string, problems: Record<string, string>): string => {
	if (choice === "none") return `${host} runs no containers: its agent has --container-engine none`;
	const [problem] = Object.entries(problems);
	if (problem) return `no container engine can be used on ${host}: ${problem.join(": ")}`;
	return `no container engine on ${host}: install docker or podman`;
};

/** What ran must be known for good, whatever the tag means by then. */
const toldOf = (image: string, { id, digest, pulledMs }: ReadyImage): string => {
	const pulled = pulledMs > 0 ? `, pulled in ${(pulledMs / 1000).toFixed(1)} s` : "";
	return `image ${image} is ${digest || id}${pulled}`;
};
