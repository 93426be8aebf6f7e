/** Carries out what the core asks for on this machine: files, processes, outcomes. Answers come back as inputs. */

import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Failure, Task, Usage } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import type { Command } from "../core/commands.ts";
import type { Input } from "../core/inputs.ts";
import type { FinishedBody } from "../core/state.ts";
import { createEnvironments } from "../environments/environments.ts";
import { blameDevices } from "../gpu/blame.ts";
import type { StepDevices } from "../gpu/environment.ts";
import type { LogShipper, TrackedLog } from "../logs/shipper.ts";
import type { SpoolFiles } from "../logs/spool.ts";
import { readsShowIn } from "./access-times.ts";
import { collectOutcome } from "./collect.ts";
import { type Containers, createContainers, NoEngine } from "./containers/containers.ts";
import type { EngineChoice } from "./containers/engine.ts";
import { hostVariables } from "./containers/variables.ts";
import { baseEnvironment, type Environment, stepEnvironment } from "./environment.ts";
import { failure, toFailure } from "./failure.ts";
import { createFolders } from "./folders.ts";
import { launchScript } from "./launch.ts";
import { keepLimits, type LimitMode } from "./limits/limits.ts";
import { limitsHere, nameOutOfMemory, usageFrom } from "./limits/usage.ts";
import { type AttemptPaths, attemptPaths } from "./paths.ts";
import { writePause } from "./pausing.ts";
import { bring, type PrepareTools, prepareAttempt } from "./prepare.ts";
import { followProcesses } from "./processes.ts";
import { modifiedAtMs, readDevices, writeDevices, writeOutcome, writeStop, writeTask } from "./record.ts";
import { recoverAttempts } from "./recover.ts";
import { openSettledLog } from "./settled.ts";
import { openTrash } from "./trash.ts";

export type RunnerCommand = Exclude<Command, { kind: "acknowledge" | "report" }>;

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

export interface Runner {
	/** Limits that this host keeps, and how. */
	readonly limits: Readonly<Record<string, string>>;
	execute(command: RunnerCommand): void;
	/** Once, before anything is executed. */
	recover(): Promise<Input>;
	/** The disk is low: what can be made again and nothing uses goes, until so many bytes have. */
	relieveDisk(bytes: number): number;
	/** Lets go of everything; processes run on. */
	close(): void;
}

/** What this process holds of an attempt. */
interface Held {
	paths: AttemptPaths;
	/** 0 when an earlier agent took it. */
	acceptedAtMs: number;
	/** With all that an attempt finds in its folder, and nothing in it. */
	isFresh: boolean;
	/** No process is left of it. */
	isOver: boolean;
	preparing: AbortController | null;
	/** Recovered. */
	supervisor: ProcessIdentity | null;
	/** Until its log is tracked. */
	watch: NodeJS.Timeout | null;
	log: TrackedLog | null;
	/** All of its log has arrived. */
	logShipped: Promise<unknown> | null;
	wake: NodeJS.Timeout | null;
}

/** Before that nobody follows a log: of most steps that end so soon there is none. */
const UNWATCHED_MS = 25;

const spoolOf = ({ paths: { stdout, stderr, metrics } }: Held): SpoolFiles => ({ stdout, stderr, metrics });

/** What took no longer, and left nothing but its end, is not worth a write that waits for the disk. */
const SHORT_MS = 1_000;

const isSoonMadeAgain = (task: Task, { outcome, startedAtMs, finishedAtMs }: FinishedBody): boolean =>
	outcome === "succeeded" && task.outputs.length === 0 && !task.trackCode && finishedAtMs - startedAtMs < SHORT_MS;

/** Longer ones fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const createRunner = (options: RunnerOptions): Runner => {
	const { agentId, clock, store, logs, onInput, warn } = options;
	const root = `${options.folder}/attempts`;
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const settled = openSettledLog(options.folder);
	const trash = openTrash(`${options.folder}/trash`, warn);
	const folders = createFolders(`${options.folder}/spare`, trash, warn);
	const environment = baseEnvironment(process.env, options.passEnv);
	const onHiddenReads = (): void =>
		warn(`what steps read of their code can't be told in ${root}: for their caches all of it counts`, null);
	const tools: PrepareTools = { ...options, readsShow: readsShowIn(root, onHiddenReads) };
	const held = new Map<AttemptId, Held>();
	const containers: Containers = createContainers({
		...{ agentId, folder: options.folder, choice: options.containerEngine, warn },
		nowMs: () => clock.nowMs(),
	});
	const environments = createEnvironments({
		...{ root: `${options.folder}/environments`, base: environment, trash, warn },
		bringCode: (ref, target, signal) => bring(ref, "the code", target, options, signal),
		...{ maxBytes: options.environmentsMaxBytes, timeoutMs: options.environmentTimeoutMs },
	});
	const limits = keepLimits({
		...{ folder: options.folder, mode: options.limits, maxProcesses: options.maxProcesses },
		onExceeded: (attemptId, cause, reason) => onInput({ kind: "limitExceeded", attemptId, cause, reason }),
	});
	const processes = followProcesses(
		root,
		environment,
		limits,
		{
			onStarted: (attemptId) => {
				containers.follow(attemptId, hold(attemptId).paths);
				onInput({ kind: "launched", attemptId, startedAtMs: clock.nowMs() });
				hold(attemptId).watch = setTimeout(() => trackLog(attemptId), UNWATCHED_MS);
			},
			onNotStarted: (attemptId, error) => {
				const why = error === null ? failure("launch", "no process could be started") : notReady(attemptId, error);
				onInput({ kind: "launchFailed", attemptId, failure: why });
			},
			onExited: (attemptId, exit) => onInput({ kind: "exited", attemptId, exit }),
		},
		() => clock.nowMs(),
	);

	const hold = (attemptId: AttemptId): Held => {
		const known = held.get(attemptId);
		if (known) return known;
		const nothing = { preparing: null, supervisor: null, watch: null, log: null, logShipped: null, wake: null };
		const paths = attemptPaths(root, attemptId);
		const of: Held = { paths, acceptedAtMs: 0, isFresh: false, isOver: false, ...nothing };
		held.set(attemptId, of);
		return of;
	};

	const letGo = (attemptId: AttemptId): Held => {
		const of = hold(attemptId);
		for (const timer of [of.wake, of.watch]) if (timer) clearTimeout(timer);
		held.delete(attemptId);
		limits.drop(attemptId);
		containers.forget(attemptId);
		environments.release(attemptId);
		return of;
	};

	const trackLog = (attemptId: AttemptId): void => {
		const of = hold(attemptId);
		of.log ??= logs.track(attemptId, spoolOf(of));
	};

	const finishLog = (attemptId: AttemptId): void => {
		const of = hold(attemptId);
		if (of.watch) clearTimeout(of.watch);
		of.logShipped ??= of.log?.finish() ?? logs.ship(attemptId, spoolOf(of));
		// Who waits for it sees the failure; until then it is no unhandled one.
		of.logShipped.catch(() => undefined);
	};

	const persist = (task: Task): void => {
		const { attemptId } = task;
		const isNew = !held.has(attemptId);
		const of = hold(attemptId);
		if (isNew) of.acceptedAtMs = clock.nowMs();
		try {
			const spare = isNew ? folders.take() : null;
			writeTask(of.paths, task, spare);
			of.isFresh = spare !== null;
		} catch (error) {
			const { message } = toFailure(error, "disk", `the task can't be stored in ${root}`);
			onInput({ kind: "taskNotPersisted", attemptId, reason: message });
			return;
		}
		onInput({ kind: "taskPersisted", attemptId });
	};

	const prepare = async (task: Task): Promise<void> => {
		const { attemptId } = task;
		const of = hold(attemptId);
		of.preparing = new AbortController();
		try {
			// What is said of making its environment, or of its image, is to be read at once.
			if (task.environment || task.image !== "") trackLog(attemptId);
			await prepareAttempt(task, of.paths, tools, { isFresh: of.isFresh, signal: of.preparing.signal });
			await environments.provide(task, of.paths, of.preparing.signal);
			if (task.image !== "") await containers.prepare(task, of.paths, of.preparing.signal);
			onInput({ kind: "prepared", attemptId });
		} catch (error) {
			if (error instanceof NoEngine) return onInput({ kind: "unable", attemptId, reason: error.message });
			const failure = toFailure(error, "input", `${of.paths.folder} can't be prepared`);
			onInput({ kind: "prepareFailed", attemptId, failure });
		} finally {
			of.preparing = null;
		}
	};

	const notReady = (attemptId: AttemptId, error: unknown): Failure =>
		toFailure(error, "launch", `${hold(attemptId).paths.folder} can't be made ready`);

	const launch = (task: Task, gpuIds: string[]): void => {
		const { attemptId } = task;
		const { paths } = hold(attemptId);
		let script: string;
		try {
			if (gpuIds.length > 0) writeDevices(paths, gpuIds);
			const devices = options.devicesFor(gpuIds, task);
			const own = (): Environment => environments.within(attemptId, stepEnvironment(environment, task, paths, devices));
			script =
				task.image === ""
					? launchScript(task, paths, own(), environment)
					: containers.script(
							task,
							paths,
							stepEnvironment(hostVariables(environment, options.passEnv), task, paths, devices),
							devices.given,
						);
		} catch (error) {
			onInput({ kind: "launchFailed", attemptId, failure: notReady(attemptId, error) });
			return;
		}
		processes.launch(attemptId, paths, script, limitsHere(task));
	};

	const follow = (attemptId: AttemptId): void => {
		const { paths, supervisor } = hold(attemptId);
		if (!supervisor) throw new Error(`${attemptId} was not recovered as running`);
		processes.adopt(attemptId, paths, supervisor);
		containers.follow(attemptId, paths);
		trackLog(attemptId);
	};

	const signal = ({ attemptId, signal: name, stop }: Extract<RunnerCommand, { kind: "signal" }>): void => {
		try {
			writeStop(hold(attemptId).paths, stop);
		} catch (error) {
			warn(`why ${attemptId} is stopped could not be written down`, error);
		}
		// Its client would keep to itself what comes before the container's process is there.
		if (name === "SIGTERM") void containers.begun(attemptId).then(() => processes.signal(attemptId, name));
		else processes.signal(attemptId, name);
	};

	const pause = ({ kind, attemptId, pause: record }: Extract<RunnerCommand, { kind: "pause" | "resume" }>): void => {
		if (kind === "resume") processes.resume(attemptId);
		try {
			writePause(hold(attemptId).paths, record);
		} catch (error) {
			warn(`that ${attemptId} is paused could not be written down`, error);
		}
		if (kind === "pause") processes.pause(attemptId);
		void containers[kind](attemptId, hold(attemptId).paths);
	};

	const collect = async ({ task, ending: seen }: Extract<RunnerCommand, { kind: "collect" }>): Promise<void> => {
		const { attemptId } = task;
		const of = hold(attemptId);
		const { paths } = of;
		let outcome: FinishedBody;
		try {
			const ended = await containers.end(attemptId, paths, seen);
			let { ending } = ended;
			let usage: Usage | null = null;
			if (ending.kind === "exited") {
				const { found, taken } = await processes.end(attemptId, paths, ending.exit.exitCode);
				of.isOver = found === "none" || found === "ended";
				if (found === "living") warn(`processes of ${attemptId} would not end`, null);
				finishLog(attemptId);
				ending = nameOutOfMemory(ending, taken);
				const container = task.image === "" ? null : { ...ended.usage, limits: ended.limits };
				const since = { acceptedAtMs: of.acceptedAtMs || modifiedAtMs(paths.task), startedAtMs: ending.startedAtMs };
				usage = usageFrom({ taken, container, devices: options.deviceUse(attemptId), ...since });
			} else if (of.log) finishLog(attemptId);
			outcome = { ...(await collectOutcome(task, paths, ending, store, agentId)), usage };
			if (task.resources.gpu) outcome = await blameDevices(outcome, readDevices(paths), options.examineDevices);
		} catch (error) {
			const why = toFailure(error, "error", "the outcome can't be collected");
			const unstarted = { kind: "unstarted", outcome: "failed", failure: why, atMs: clock.nowMs() } as const;
			outcome = await collectOutcome(task, paths, unstarted, store, agentId);
		}
		if (!isSoonMadeAgain(task, outcome)) await storeOutcome(task, paths, outcome);
		onInput({ kind: "outcomeReady", attemptId, outcome });
	};

	/**
	 * What the attempt worked with may be what fills the disk, and the journal, which is waited for next, needs room: it
	 * goes at once. Only outputs stay that the outcome must be made from again, should it not have been written.
	 */
	const storeOutcome = async (task: Task, paths: AttemptPaths, outcome: FinishedBody): Promise<void> => {
		const used = [paths.work, paths.inputs];
		const failed = outcome.outcome !== "succeeded";
		try {
			await writeOutcome(paths, agentId, outcome);
			if (failed || task.outputs.length > 0) for (const folder of [...used, paths.outputs]) trash.discard(folder);
		} catch {
			for (const folder of failed ? [...used, paths.outputs] : used) await remove(folder);
			await writeOutcome(paths, agentId, outcome).catch((error) =>
				warn(`${paths.outcome} could not be written; the outcome is reported from memory`, error),
			);
		}
	};

	const remove = (folder: string): Promise<void> =>
		rm(folder, { recursive: true, force: true }).catch((error) => warn(`${folder} could not be removed`, error));

	const forget = async (attemptId: AttemptId): Promise<void> => {
		const of = letGo(attemptId);
		try {
			settled.add(attemptId);
			await of.logShipped;
		} catch (error) {
			warn(`${of.paths.folder} is kept`, error);
			return;
		}
		if (of.isOver) folders.giveBack(of.paths.folder);
		else trash.discard(of.paths.folder);
	};

	const discard = (attemptId: AttemptId): void => {
		const { log, paths } = letGo(attemptId);
		log?.drop();
		trash.discard(paths.folder);
	};

	const wake = (attemptId: AttemptId, atMs: number): void => {
		const of = hold(attemptId);
		if (of.wake) clearTimeout(of.wake);
		const waitMs = Math.min(Math.max(0, atMs - clock.nowMs()), LONGEST_TIMER_MS);
		of.wake = setTimeout(() => onInput({ kind: "woken", attemptId }), waitMs);
	};

	const execute = (command: RunnerCommand): void => {
		switch (command.kind) {
			case "persist":
				return persist(command.task);
			case "prepare":
				return void prepare(command.task);
			case "abortPrepare":
				return held.get(command.attemptId)?.preparing?.abort();
			case "launch":
				return launch(command.task, command.gpuIds);
			case "follow":
				return follow(command.task.attemptId);
			case "signal":
				return signal(command);
			case "pause":
			case "resume":
				return pause(command);
			case "wake":
				return wake(command.attemptId, command.atMs);
			case "collect":
				return void collect(command);
			case "forget":
				return void forget(command.attemptId);
			case "discard":
				return discard(command.attemptId);
		}
	};

	return {
		limits: limits.ways,
		execute,
		recover: async () => {
			const known = new Set(settled.atStart);
			const recovery = await recoverAttempts(root, known, () => clock.nowMs());
			for (const { task, progress } of recovery.attempts) {
				const { paths } = hold(task.attemptId);
				if (progress.kind === "running") environments.adopt(task.attemptId, paths);
			}
			environments.tidy();
			for (const [attemptId, identity] of recovery.processes) {
				hold(attemptId).supervisor = identity;
			}
			limits.recall(
				recovery.attempts
					.filter(({ progress }) => progress.kind === "running" || progress.kind === "exited")
					.map(({ task }) => ({ task, ...hold(task.attemptId) }))
					.map(({ task, paths, supervisor }) => ({
						...{ attemptId: task.attemptId, limits: limitsHere(task), paths, supervisor },
					})),
			);
			for (const { task, progress } of recovery.attempts) if (progress.kind === "finished") finishLog(task.attemptId);
			for (const attemptId of recovery.leftover) {
				finishLog(attemptId);
				void forget(attemptId);
			}
			processes.startAhead();
			const unfinished = recovery.attempts.filter(({ progress }) => progress.kind !== "finished");
			containers.recovered(unfinished.map(({ task }) => task.attemptId));
			return { kind: "recovered", attempts: recovery.attempts, settled: settled.atStart };
		},
		relieveDisk: environments.tidy,
		close: () => {
			processes.close();
			limits.close();
			containers.close();
			environments.close();
			folders.close();
			trash.close();
			for (const { wake, watch, preparing } of held.values()) {
				for (const timer of [wake, watch]) if (timer) clearTimeout(timer);
				preparing?.abort();
			}
		},
	};
};
