/** Carries out what the core asks for on this machine: files, processes, outcomes. Answers come back as inputs. */

import type { Task } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Command } from "../core/commands.ts";
import type { Input } from "../core/inputs.ts";
import { NoEngine } from "./containers/containers.ts";
import { toFailure } from "./failure.ts";
import { writePause, writeStop, writeTask } from "./files/record.ts";
import type { Held } from "./held.ts";
import { conclude } from "./outcome/conclude.ts";
import { limitsHere } from "./outcome/usage.ts";
import { openParts, type RunnerOptions } from "./parts.ts";
import { scriptOf, setUp } from "./setup/setup.ts";
import { takeUp } from "./take-up.ts";

export type RunnerCommand = Exclude<Command, { kind: "acknowledge" | "report" }>;
type Asked<Kind extends RunnerCommand["kind"]> = Extract<RunnerCommand, { kind: Kind }>;

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

/** Longer ones fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const createRunner = (options: RunnerOptions): Runner => {
	const { clock, onInput, warn } = options;
	const parts = openParts(options);
	const { root, attempts, settled, folders, trash, containers, environments, limits, processes } = parts;

	const execute = (command: RunnerCommand): void => {
		switch (command.kind) {
			case "persist":
				return persist(command.task);
			case "prepare":
				return void prepare(command.task);
			case "abortPrepare":
				return attempts.known(command.attemptId)?.preparing?.abort();
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

	const persist = (task: Task): void => {
		const { attemptId } = task;
		const isNew = attempts.known(attemptId) === null;
		const held = attempts.of(attemptId);
		if (isNew) held.acceptedAtMs = clock.nowMs();
		try {
			const spare = isNew ? folders.take() : null;
			writeTask(held.paths, task, spare);
			held.isFresh = spare !== null;
		} catch (error) {
			const { message } = toFailure(error, "disk", `the task can't be stored in ${root}`);
			return onInput({ kind: "taskNotPersisted", attemptId, reason: message });
		}
		onInput({ kind: "taskPersisted", attemptId });
	};

	const prepare = async (task: Task): Promise<void> => {
		const { attemptId } = task;
		const held = attempts.of(attemptId);
		held.preparing = new AbortController();
		try {
			await setUp(task, held, parts, held.preparing.signal);
			onInput({ kind: "prepared", attemptId });
		} catch (error) {
			if (error instanceof NoEngine) return onInput({ kind: "unable", attemptId, reason: error.message });
			const failure = toFailure(error, "input", `${held.paths.folder} can't be prepared`);
			onInput({ kind: "prepareFailed", attemptId, failure });
		} finally {
			held.preparing = null;
		}
	};

	const launch = (task: Task, gpuIds: string[]): void => {
		const { attemptId } = task;
		const held = attempts.of(attemptId);
		let script: string;
		try {
			script = scriptOf(task, gpuIds, held, parts, options);
		} catch (error) {
			const failure = toFailure(error, "launch", `${held.paths.folder} can't be made ready`);
			return onInput({ kind: "launchFailed", attemptId, failure });
		}
		processes.launch(attemptId, held.paths, script, limitsHere(task));
	};

	const follow = (attemptId: AttemptId): void => {
		const { paths, supervisor, log } = attempts.of(attemptId);
		if (!supervisor) throw new Error(`${attemptId} was not recovered as running`);
		processes.adopt(attemptId, paths, supervisor);
		containers.follow(attemptId, paths);
		log.follow();
	};

	const signal = ({ attemptId, signal: name, stop }: Asked<"signal">): void => {
		try {
			writeStop(attempts.of(attemptId).paths, stop);
		} catch (error) {
			warn(`why ${attemptId} is stopped could not be written down`, error);
		}
		// Its client would keep to itself what comes before the container's process is there.
		if (name === "SIGTERM") void containers.begun(attemptId).then(() => processes.signal(attemptId, name));
		else processes.signal(attemptId, name);
	};

	const pause = ({ kind, attemptId, pause: record }: Asked<"pause" | "resume">): void => {
		const { paths } = attempts.of(attemptId);
		if (kind === "resume") processes.resume(attemptId);
		try {
			writePause(paths, record);
		} catch (error) {
			warn(`that ${attemptId} is paused could not be written down`, error);
		}
		if (kind === "pause") processes.pause(attemptId);
		void containers[kind](attemptId, paths);
	};

	const wake = (attemptId: AttemptId, atMs: number): void => {
		const held = attempts.of(attemptId);
		if (held.wake) clearTimeout(held.wake);
		const waitMs = Math.min(Math.max(0, atMs - clock.nowMs()), LONGEST_TIMER_MS);
		held.wake = setTimeout(() => onInput({ kind: "woken", attemptId }), waitMs);
	};

	const collect = async ({ task, ending }: Asked<"collect">): Promise<void> => {
		const { attemptId } = task;
		const outcome = await conclude(task, ending, attempts.of(attemptId), parts, options);
		onInput({ kind: "outcomeReady", attemptId, outcome });
	};

	const letGo = (attemptId: AttemptId): Held => {
		limits.drop(attemptId);
		containers.forget(attemptId);
		environments.release(attemptId);
		return attempts.letGo(attemptId);
	};

	const forget = async (attemptId: AttemptId): Promise<void> => {
		const { paths, log, isOver } = letGo(attemptId);
		try {
			settled.add(attemptId);
			await log.shipped();
		} catch (error) {
			return warn(`${paths.folder} is kept`, error);
		}
		if (isOver) folders.giveBack(paths.folder);
		else trash.discard(paths.folder);
	};

	const discard = (attemptId: AttemptId): void => {
		const { log, paths } = letGo(attemptId);
		log.drop();
		trash.discard(paths.folder);
	};

	return {
		limits: limits.ways,
		execute,
		recover: async () => {
			const { attempts: found, leftover } = await takeUp(parts, () => clock.nowMs());
			for (const attemptId of leftover) void forget(attemptId);
			return { kind: "recovered", attempts: found, settled: settled.atStart };
		},
		relieveDisk: environments.tidy,
		close: parts.close,
	};
};
