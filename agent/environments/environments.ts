/**
 * Environments for steps that bring packages: made once for all who ask for the same, used in place by any number of
 * attempts, and removed when they are not used any more.
 */

import { appendFileSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import type { ArtifactRef, Task } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import type { AttemptPaths } from "../runner/files/paths.ts";
import type { Trash } from "../runner/files/trash.ts";
import { forgetMarks } from "../runner/setup/code-use.ts";
import type { Environment } from "../runner/setup/environment.ts";
import { activationOf } from "./activation.ts";
import { buildFailure } from "./build-failure.ts";
import { runCommands } from "./commands.ts";
import { endMarked, markOf } from "./mark.ts";
import { type Plan, planEnvironment } from "./plan.ts";
import { readRecord, writeRecord } from "./record.ts";
import { SharedBuild } from "./shared-build.ts";
import { openShelf } from "./shelf.ts";
import { Turns } from "./turns.ts";
import { type Hear, Voice } from "./voice.ts";

export interface EnvironmentsOptions {
	/** Their folder. */
	root: string;
	/** All of them together, unless more are in use. */
	maxBytes: number;
	/** For one to be made. */
	timeoutMs: number;
	/** What every step's process begins with. */
	base: Environment;
	/** The whole of a step's code, to that folder. */
	bringCode(code: ArtifactRef, target: string, signal: AbortSignal): Promise<unknown>;
	trash: Trash;
	warn(message: string, error: unknown): void;
}

export interface Environments {
	/** Makes what the task wants, or waits until another has; it stays until the attempt lets go of it. */
	provide(task: Task, paths: AttemptPaths, signal: AbortSignal): Promise<void>;
	/** A step's environment variables with those of what was provided. */
	within(attemptId: AttemptId, environment: Environment): Environment;
	/** An attempt of an earlier agent uses what it used. */
	adopt(attemptId: AttemptId, paths: AttemptPaths): void;
	release(attemptId: AttemptId): void;
	/** Once all are adopted, and by itself from time to time. With `lessBytes`, unused ones go until so much has gone. */
	tidy(lessBytes?: number): number;
	close(): void;
}

/** More would take from the box what its steps need. */
const AT_ONCE = 2;
const TIDY_MS = 3_600_000;
const TIDY_AFTER_MS = 1_000;

export const createEnvironments = (options: EnvironmentsOptions): Environments => {
	const { root, maxBytes, timeoutMs, base, bringCode, trash, warn } = options;
	const shelf = openShelf(root, maxBytes, trash);
	const builds = new Map<string, SharedBuild>();
	const users = new Map<AttemptId, { key: string; plan: Plan | null }>();
	const turns = new Turns(AT_ONCE);

	const isUsed = (key: string): boolean => builds.has(key) || [...users.values()].some((user) => user.key === key);
	const tidy = (lessBytes = 0): number => {
		try {
			return shelf.tidy(isUsed, lessBytes);
		} catch (error) {
			warn(`what is unused in ${root} could not be removed`, error);
			return 0;
		}
	};
	const timer = setInterval(() => tidy(), TIDY_MS);
	timer.unref();
	let soon: NodeJS.Timeout | null = null;
	/** Of many that end together, one look serves all. */
	const tidySoon = (): void => {
		soon ??= setTimeout(() => {
			soon = null;
			tidy();
		}, TIDY_AFTER_MS);
	};

	const variablesIn = (plan: Plan, environment: Environment): Environment => {
		const place = shelf.place(plan.key);
		const path = [plan.programs(place), environment.PATH].filter(Boolean).join(delimiter);
		return { ...environment, ...plan.variables(place), PATH: path };
	};

	const make = async (plan: Plan, task: Task, signal: AbortSignal, hear: Hear): Promise<void> => {
		const { key, what } = plan;
		const place = shelf.place(key);
		const done = await turns.take(signal, () => hear(`runmesh: ${what} waits until others have been made\n`));
		try {
			const startedAtMs = performance.now();
			hear(`runmesh: makes ${what} ${key}\n`);
			if (plan.needsCode && task.code) await bringCode(task.code, place.source, signal);
			else writeSource(place.source, plan.files);
			const { commands, environment } = plan;
			const how = { cwd: place.source, identityPath: place.builder, timeoutMs, signal, hear };
			const env = { ...environment, ...markOf(place.home) };
			const end = await runCommands({ commands: commands(place), ...how, env, onExit: () => endMarked(place.home) });
			if (end.kind !== "done") throw buildFailure(what, end, { log: place.log, timeoutMs });
			if (!plan.keepsSource) trash.discard(place.source);
			const activation = plan.hasScripts ? await activationOf(place.env, variablesIn(plan, base)) : {};
			const sizeBytes = await shelf.finish(key, { ...plan, activation });
			const tookS = ((performance.now() - startedAtMs) / 1000).toFixed(1);
			hear(`runmesh: ${what} is ready after ${tookS} s, ${formatBytes(sizeBytes)}\n`);
		} finally {
			done();
		}
	};

	const start = (plan: Plan, task: Task): SharedBuild => {
		const { key } = plan;
		shelf.clear(key);
		const build = new SharedBuild(new Voice(shelf.place(key).log), async (signal, hear) => {
			try {
				await make(plan, task, signal, hear);
			} catch (error) {
				shelf.discard(key);
				throw error;
			} finally {
				builds.delete(key);
			}
		});
		builds.set(key, build);
		return build;
	};

	const madeBy = async (plan: Plan, task: Task, signal: AbortSignal, hear: Hear): Promise<void> => {
		for (let build = builds.get(plan.key); build?.isGivenUp; build = builds.get(plan.key)) await build.over;
		signal.throwIfAborted();
		if (shelf.has(plan.key)) return shelf.touch(plan.key);
		await (builds.get(plan.key) ?? start(plan, task)).wait(signal, hear);
		tidy();
	};

	return {
		provide: async (task, paths, signal) => {
			if (!task.environment) return;
			const { attemptId } = task;
			const plan = await planEnvironment(task.environment, task, paths.work, base);
			// All of the code decides it then, whatever the step itself reads.
			if (plan.needsCode) forgetMarks(paths);
			users.set(attemptId, { key: plan.key, plan });
			writeRecord(paths, plan.key);
			try {
				await madeBy(plan, task, signal, (said) => write(paths.stderr, said));
				writeRecord(paths, plan.key);
				if (plan.link) linkPackages(`${paths.work}/${plan.link.at}`, plan.link.to(shelf.place(plan.key)));
			} catch (error) {
				users.delete(attemptId);
				throw error;
			}
		},
		within: (attemptId, environment) => {
			const plan = users.get(attemptId)?.plan;
			if (!plan) return environment;
			return variablesIn(plan, { ...environment, ...shelf.activation(plan.key) });
		},
		adopt: (attemptId, paths) => {
			const { key } = readRecord(paths) ?? {};
			if (key !== undefined) users.set(attemptId, { key, plan: null });
		},
		release: (attemptId) => {
			const user = users.get(attemptId);
			users.delete(attemptId);
			if (!user) return;
			if (shelf.has(user.key)) shelf.touch(user.key);
			tidySoon();
		},
		tidy,
		close: () => {
			clearInterval(timer);
			if (soon) clearTimeout(soon);
		},
	};
};

/** A full disk takes what is told of the making, not the step. */
const write = (path: string, said: string | Buffer): void => {
	try {
		appendFileSync(path, said, { mode: 0o600 });
	} catch {
		// Whoever reads the log misses it.
	}
};

const writeSource = (source: string, files: Record<string, string>): void => {
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(`${source}/${path}`), { recursive: true });
		writeFileSync(`${source}/${path}`, text);
	}
};

/** Packages that the code brings itself stay. */
const linkPackages = (at: string, target: string): void => {
	if (!lstatSync(at, { throwIfNoEntry: false })) symlinkSync(target, at);
};
