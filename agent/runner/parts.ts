/** What the attempts of this machine share: their folders, processes, limits, containers, environments. */

import { mkdirSync } from "node:fs";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Task } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import type { Input } from "../core/inputs.ts";
import { createEnvironments, type Environments } from "../environments/environments.ts";
import type { StepDevices } from "../gpu/environment.ts";
import type { LogShipper } from "../logs/shipper.ts";
import { type Containers, createContainers } from "./containers/containers.ts";
import type { EngineChoice } from "./containers/engine.ts";
import { toFailure } from "./failure.ts";
import { createFolders, type Folders } from "./files/folders.ts";
import { openSettledLog, type SettledLog } from "./files/settled.ts";
import { openTrash, type Trash } from "./files/trash.ts";
import { type HeldAttempts, holdAttempts } from "./held.ts";
import { type AttemptLimits, keepLimits, type LimitMode } from "./limits/limits.ts";
import { type AttemptProcesses, followProcesses, type ProcessEvents } from "./processes/processes.ts";
import { readsShowIn } from "./setup/access-times.ts";
import { baseEnvironment, type Environment } from "./setup/environment.ts";
import { bring, type PrepareTools } from "./setup/prepare.ts";

export interface RunnerOptions extends Omit<PrepareTools, "readsShow"> {
	agentId: AgentId;
	/** The agent's folder. */
	folder: string;
	store: BlobStore;
	logs: LogShipper;
	clock: Clock;
	/** The devices that an attempt was given, for its environment. Throws when one is gone. */
	devicesFor(gpuIds: readonly string[], task: Task): StepDevices;
	/** Why an attempt can't have worked on its devices; "" when they work. */
	examineDevices(gpuIds: readonly string[]): Promise<string>;
	containerEngine: EngineChoice;
	/** How attempts are kept to their limits. */
	limits: LimitMode;
	/** Of one attempt, at once. */
	maxProcesses: number;
	/** What an attempt took of its devices. */
	deviceUse(attemptId: AttemptId): { gpuSeconds: number; peakGpuMemoryBytes: number };
	/** For the environment that a step's packages are in to be made. */
	environmentTimeoutMs: number;
	/** What all of them may take of the disk. */
	environmentsMaxBytes: number;
	/** Variables of the agent's own environment that steps see beside those that all may. */
	passEnv: readonly string[];
	onInput(input: Input): void;
	warn(message: string, error: unknown): void;
}

export interface RunnerParts {
	/** The folder of the attempts' folders. */
	readonly root: string;
	readonly attempts: HeldAttempts;
	readonly settled: SettledLog;
	readonly folders: Folders;
	readonly trash: Trash;
	/** What every step's process begins with. */
	readonly base: Environment;
	readonly tools: PrepareTools;
	readonly containers: Containers;
	readonly environments: Environments;
	readonly limits: AttemptLimits;
	readonly processes: AttemptProcesses;
	/** Lets go of everything; processes run on. */
	close(): void;
}

export const openParts = (options: RunnerOptions): RunnerParts => {
	const { agentId, folder, clock, logs, onInput, warn } = options;
	const nowMs = (): number => clock.nowMs();
	const root = `${folder}/attempts`;
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const attempts = holdAttempts(root, logs);
	const settled = openSettledLog(folder);
	const trash = openTrash(`${folder}/trash`, warn);
	const folders = createFolders(`${folder}/spare`, trash, warn);
	const base = baseEnvironment(process.env, options.passEnv);
	const onHiddenReads = (): void =>
		warn(`what steps read of their code can't be told in ${root}: for their caches all of it counts`, null);
	const tools: PrepareTools = { ...options, readsShow: readsShowIn(root, onHiddenReads) };
	const containers = createContainers({ agentId, folder, choice: options.containerEngine, nowMs, warn });
	const environments = createEnvironments({
		...{ root: `${folder}/environments`, base, trash, warn },
		bringCode: (ref, target, signal) => bring(ref, "the code", target, options, signal),
		...{ maxBytes: options.environmentsMaxBytes, timeoutMs: options.environmentTimeoutMs },
	});
	const limits = keepLimits({
		...{ folder, mode: options.limits, maxProcesses: options.maxProcesses },
		onExceeded: (attemptId, cause, reason) => onInput({ kind: "limitExceeded", attemptId, cause, reason }),
	});
	const events: ProcessEvents = {
		onStarted: (attemptId) => {
			const { paths, log } = attempts.of(attemptId);
			containers.follow(attemptId, paths);
			onInput({ kind: "launched", attemptId, startedAtMs: nowMs() });
			log.followSoon();
		},
		onNotStarted: (attemptId, error) => {
			const what = `${attempts.of(attemptId).paths.folder} can't be made ready`;
			const none = failureOf("launch", "no process could be started");
			const failure = error === null ? none : toFailure(error, "launch", what);
			onInput({ kind: "launchFailed", attemptId, failure });
		},
		onExited: (attemptId, exit) => onInput({ kind: "exited", attemptId, exit }),
	};
	const processes = followProcesses(root, base, limits, events, nowMs);

	return {
		...{ root, attempts, settled, folders, trash, base, tools, containers, environments, limits, processes },
		close: () => {
			for (const part of [processes, limits, containers, environments, folders, trash, attempts]) part.close();
		},
	};
};
