/** Carries out what the core asks for on this machine: files, processes, outcomes. Answers come back as inputs. */

import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { BlobStore } from "#shared/blobs/store.ts";
import type { Clock } from "#shared/clock.ts";
import type { Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import type { Command } from "../core/commands.ts";
import type { Input } from "../core/inputs.ts";
import type { FinishedBody } from "../core/state.ts";
import type { LogShipper, TrackedLog } from "../logs/shipper.ts";
import { collectOutcome, exitOf } from "./collect.ts";
import { baseEnvironment, stepEnvironment } from "./environment.ts";
import { toFailure } from "./failure.ts";
import { followProcesses } from "./followed.ts";
import { launchSupervisor } from "./launch.ts";
import { killLeftovers } from "./leftovers.ts";
import { type AttemptPaths, attemptPaths } from "./paths.ts";
import { type PrepareTools, prepareAttempt } from "./prepare.ts";
import { isAlive, type ProcessIdentity, signalGroup } from "./process.ts";
import { readClaim, writeDevices, writeOutcome, writeStop, writeTask } from "./record.ts";
import { exitLeftBy, recoverAttempts } from "./recover.ts";
import { openSettledLog } from "./settled.ts";
import { createSpareFolders } from "./spares.ts";

export type RunnerCommand = Exclude<Command, { kind: "acknowledge" | "report" }>;

export interface RunnerOptions extends PrepareTools {
	agentId: AgentId;
	/** The agent's folder. */
	folder: string;
	store: BlobStore;
	logs: LogShipper;
	clock: Clock;
	hostHasGpus(): boolean;
	onInput(input: Input): void;
	warn(message: string, error: unknown): void;
}

export interface Runner {
	execute(command: RunnerCommand): void;
	/** Once, before anything is executed. */
	recover(): Input;
	/** Lets go of everything; processes run on. */
	close(): void;
}

/** What this process holds of an attempt. */
interface Held {
	paths: AttemptPaths;
	/** Made a moment ago, with nothing in it. */
	isFresh: boolean;
	preparing: AbortController | null;
	supervisor: { pid: number; identity: ProcessIdentity | null } | null;
	log: TrackedLog | null;
	/** All of its log has arrived. */
	logShipped: Promise<unknown> | null;
	wake: NodeJS.Timeout | null;
}

/** Longer ones fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The supervisor found another's claim. */
const CLAIMED_ELSEWHERE = 111;

export const createRunner = (options: RunnerOptions): Runner => {
	const { agentId, clock, store, logs, onInput, warn } = options;
	const root = `${options.folder}/attempts`;
	mkdirSync(root, { recursive: true, mode: 0o700 });
	const settled = openSettledLog(options.folder);
	const spares = createSpareFolders(`${options.folder}/spare`, warn);
	const environment = baseEnvironment();
	const held = new Map<AttemptId, Held>();
	const followed = followProcesses(
		(attemptId, exit) => onInput({ kind: "exited", attemptId, exit }),
		() => clock.nowMs(),
	);

	const hold = (attemptId: AttemptId): Held => {
		const known = held.get(attemptId);
		if (known) return known;
		const paths = attemptPaths(root, attemptId);
		const of: Held = {
			...{ paths, isFresh: false, preparing: null, supervisor: null, log: null, logShipped: null, wake: null },
		};
		held.set(attemptId, of);
		return of;
	};

	const letGo = (attemptId: AttemptId): Held => {
		const of = hold(attemptId);
		if (of.wake) clearTimeout(of.wake);
		held.delete(attemptId);
		return of;
	};

	const trackLog = (attemptId: AttemptId): TrackedLog => {
		const of = hold(attemptId);
		const { stdout, stderr, metrics } = of.paths;
		of.log ??= logs.track(attemptId, { stdout, stderr, metrics });
		return of.log;
	};

	const finishLog = (attemptId: AttemptId): void => {
		const of = hold(attemptId);
		of.logShipped ??= trackLog(attemptId).finish();
		// Who waits for it sees the failure; until then it is no unhandled one.
		of.logShipped.catch(() => undefined);
	};

	const removeFolder = (of: Held): void => {
		rm(of.paths.folder, { recursive: true, force: true }).catch((error) =>
			warn(`${of.paths.folder} could not be removed`, error),
		);
	};

	const persist = (task: Task): void => {
		const { attemptId } = task;
		const isNew = !held.has(attemptId);
		const of = hold(attemptId);
		try {
			const spare = isNew ? spares.take() : null;
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
			await prepareAttempt(task, of.paths, options, { isFresh: of.isFresh, signal: of.preparing.signal });
			onInput({ kind: "prepared", attemptId });
		} catch (error) {
			const failure = toFailure(error, "input", `${of.paths.folder} can't be prepared`);
			onInput({ kind: "prepareFailed", attemptId, failure });
		} finally {
			of.preparing = null;
		}
	};

	const launch = (task: Task, gpuIds: string[]): void => {
		const { attemptId } = task;
		const of = hold(attemptId);
		const startedAtMs = clock.nowMs();
		const fail = (error: unknown): void =>
			onInput({ kind: "launchFailed", attemptId, failure: toFailure(error, "launch", "the process can't be started") });
		try {
			if (gpuIds.length > 0) writeDevices(of.paths, gpuIds);
			const devices = { gpuIds, hostHasGpus: options.hostHasGpus() };
			const child = launchSupervisor(task, of.paths, stepEnvironment(environment, task, of.paths, devices));
			if (child.pid === undefined) {
				child.once("error", fail);
				return;
			}
			of.supervisor = { pid: child.pid, identity: null };
			child.once("exit", (code) => supervisorEnded(attemptId, of, code));
		} catch (error) {
			fail(error);
			return;
		}
		onInput({ kind: "launched", attemptId, startedAtMs });
		trackLog(attemptId);
	};

	const supervisorEnded = (attemptId: AttemptId, of: Held, code: number | null): void => {
		const identity = code === CLAIMED_ELSEWHERE ? (readClaim(of.paths)?.supervisor ?? null) : null;
		if (identity && isAlive(identity)) {
			// One that an earlier agent spawned in its last moment was faster.
			of.supervisor = { pid: identity.pid, identity };
			followed.add(attemptId, of.paths, identity);
			return;
		}
		const nowMs = clock.nowMs();
		const isCommands = code !== null && code !== CLAIMED_ELSEWHERE;
		onInput({ kind: "exited", attemptId, exit: isCommands ? exitOf(code, nowMs) : exitLeftBy(of.paths, nowMs) });
	};

	const follow = (attemptId: AttemptId): void => {
		const of = hold(attemptId);
		const identity = of.supervisor?.identity;
		if (!identity) throw new Error(`${attemptId} was not recovered as running`);
		followed.add(attemptId, of.paths, identity);
		trackLog(attemptId);
	};

	const signal = ({ attemptId, signal: name, stop }: Extract<RunnerCommand, { kind: "signal" }>): void => {
		const { paths, supervisor } = hold(attemptId);
		try {
			writeStop(paths, stop);
		} catch (error) {
			warn(`why ${attemptId} is stopped could not be written down`, error);
		}
		if (!supervisor || (supervisor.identity && !isAlive(supervisor.identity))) return;
		signalGroup(supervisor.pid, name);
	};

	const collect = async ({ task, ending }: Extract<RunnerCommand, { kind: "collect" }>): Promise<void> => {
		const { attemptId } = task;
		const { paths, supervisor } = hold(attemptId);
		let outcome: FinishedBody;
		try {
			if (ending.kind === "exited") {
				// Its number is still the group's: as our child it was reaped a moment ago.
				if (supervisor && !supervisor.identity) signalGroup(supervisor.pid, "SIGKILL");
				if (!(await killLeftovers(attemptId))) warn(`processes of ${attemptId} would not end`, null);
				finishLog(attemptId);
			}
			outcome = await collectOutcome(task, paths, ending, store, agentId);
		} catch (error) {
			const failure = toFailure(error, "error", "the outcome can't be collected");
			const unstarted = { kind: "unstarted", outcome: "failed", failure, atMs: clock.nowMs() } as const;
			outcome = await collectOutcome(task, paths, unstarted, store, agentId);
		}
		await storeOutcome(paths, outcome);
		onInput({ kind: "outcomeReady", attemptId, outcome });
	};

	/** On a full disk what the attempt worked with gives way; if that is not enough, an outcome can be made again. */
	const storeOutcome = async (paths: AttemptPaths, outcome: FinishedBody): Promise<void> => {
		try {
			await writeOutcome(paths, agentId, outcome);
		} catch {
			for (const folder of [paths.work, paths.inputs]) await rm(folder, { recursive: true, force: true });
			await writeOutcome(paths, agentId, outcome).catch((error) =>
				warn(`${paths.outcome} could not be written; the outcome is reported from memory`, error),
			);
		}
	};

	const forget = async (attemptId: AttemptId): Promise<void> => {
		const of = letGo(attemptId);
		try {
			settled.add(attemptId);
			await of.logShipped;
		} catch (error) {
			warn(`${of.paths.folder} is kept`, error);
			return;
		}
		removeFolder(of);
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
			case "wake":
				return wake(command.attemptId, command.atMs);
			case "collect":
				return void collect(command);
			case "forget":
				return void forget(command.attemptId);
			case "discard":
				return removeFolder(letGo(command.attemptId));
		}
	};

	return {
		execute,
		recover: () => {
			const known = new Set(settled.atStart);
			const recovery = recoverAttempts(root, known, clock.nowMs());
			for (const { task } of recovery.attempts) hold(task.attemptId);
			for (const [attemptId, identity] of recovery.processes) {
				hold(attemptId).supervisor = { pid: identity.pid, identity };
			}
			for (const { task, progress } of recovery.attempts) if (progress.kind === "finished") finishLog(task.attemptId);
			for (const attemptId of recovery.leftover) {
				finishLog(attemptId);
				void forget(attemptId);
			}
			return { kind: "recovered", attempts: recovery.attempts, settled: settled.atStart };
		},
		close: () => {
			followed.close();
			spares.close();
			for (const { wake, preparing } of held.values()) {
				if (wake) clearTimeout(wake);
				preparing?.abort();
			}
		},
	};
};
