/**
 * One process of the mesh, kept running: started, awaited until it is ready, started again when it dies (at first
 * at once, then ever more slowly), and stopped politely, then firmly. A first start that fails is not repeated, and one
 * that says it has left for good is not started again.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { z } from "zod";
import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { type Backoff, restartDelays, usualBackoff } from "./backoff.ts";
import { readChildMessage, saysItLeft } from "./child-messages.ts";
import { processLog } from "./process-log.ts";

export interface ProcessSpec<Ready> {
	name: string;
	command: string;
	args: string[];
	env: NodeJS.ProcessEnv;
	logPath: string;
	/** A message from the child over its IPC channel, or a probe of ours that resolves when it serves. */
	ready: { message: z.ZodType<Ready> } | { probe: (signal: AbortSignal) => Promise<Ready> };
	onEvent: (event: ProcessEvent) => void;
	/** All that the child says over its IPC channel. */
	onMessage?: (message: unknown) => void;
	backoff?: Backoff;
	readyWithinMs?: number;
	graceMs?: number;
}

export type ProcessEvent =
	| { kind: "started"; name: string; pid: number }
	| { kind: "ready"; name: string; pid: number; restarts: number }
	| { kind: "left"; name: string }
	| { kind: "died"; name: string; how: string; deaths: number; restartInMs: number; logPath: string; tail: string[] };

export interface Supervised<Ready> {
	readonly name: string;
	/** What the first start said; rejects when it failed. */
	readonly ready: Promise<Ready>;
	/** null between a death and the next start. */
	pid(): number | null;
	/** SIGTERM, then SIGKILL after the grace; it is started again as after any death. */
	restart(): void;
	/** SIGTERM, then SIGKILL after the grace; resolves when the process is gone. */
	stop(): Promise<void>;
	/** SIGKILL now. */
	kill(): void;
}

const TAIL_LINES = 8;

export const supervise = <Ready>(spec: ProcessSpec<Ready>): Supervised<Ready> => {
	const { name, onEvent, readyWithinMs = 120_000, graceMs = 5_000 } = spec;
	const log = processLog(spec.logPath);
	const delays = restartDelays(spec.backoff ?? usualBackoff);
	const first = Promise.withResolvers<Ready>();
	// A caller that stops during the start no longer looks at it.
	first.promise.catch(() => undefined);
	const stopping = new AbortController();
	let child: ChildProcess | null = null;
	let starts = 0;
	let deaths = 0;
	let hasLeft = false;

	/** Resolves when the process is gone, with how it went and for how long it had been ready. */
	const live = async (): Promise<{ error: Error; how: string; healthyMs: number }> => {
		let running: ChildProcess;
		try {
			running = spawnLogged();
		} catch (error) {
			return { error: toRunmeshError(error), how: (error as Error).message, healthyMs: 0 };
		}
		child = running;
		if (spec.onMessage) running.on("message", spec.onMessage);
		running.on("message", (message) => {
			hasLeft ||= saysItLeft(message);
		});
		const gone = goneFrom(running);
		const life = new AbortController();
		void gone.then(() => life.abort());
		let readyAt: number | null = null;
		let problem: Error | null = null;
		let late = false;
		if (running.pid !== undefined) onEvent({ kind: "started", name, pid: running.pid });
		try {
			const answer = await within(readyWithinMs, life.signal, (signal) => awaitReady(running, signal));
			readyAt = performance.now();
			first.resolve(answer);
			onEvent({ kind: "ready", name, pid: running.pid ?? 0, restarts: starts - 1 });
		} catch (error) {
			problem = error as Error;
			late = !(life.signal.aborted || error instanceof RunmeshError);
			running.kill("SIGKILL");
		}
		const end = await gone;
		const how = late ? `not ready after ${readyWithinMs / 1000} s` : end;
		child = null;
		const healthyMs = readyAt === null ? 0 : performance.now() - readyAt;
		return { error: startError(problem, how), how, healthyMs };
	};

	const spawnLogged = (): ChildProcess => {
		starts++;
		const output = log.open();
		try {
			return spawn(spec.command, spec.args, {
				env: spec.env,
				// A group of its own: Ctrl-C in the terminal reaches `up` alone, which stops the mesh in order.
				detached: true,
				windowsHide: true,
				stdio: "message" in spec.ready ? ["ignore", output, output, "ipc"] : ["ignore", output, output],
			});
		} finally {
			closeSync(output);
		}
	};

	const awaitReady = (running: ChildProcess, signal: AbortSignal): Promise<Ready> =>
		"probe" in spec.ready ? spec.ready.probe(signal) : readChildMessage(running, spec.ready.message, signal);

	const startError = (problem: Error | null, how: string): Error => {
		if (problem instanceof RunmeshError) return problem;
		const tail = log.tail(TAIL_LINES);
		const words = tail.length > 0 ? `; its last lines:\n  ${tail.join("\n  ")}` : "";
		return new RunmeshError("RM_INTERNAL", `${name} did not start (${how})${words}`, {
			hint: `its log is ${spec.logPath}`,
			cause: problem,
		});
	};

	const keepAlive = async (): Promise<void> => {
		while (!stopping.signal.aborted) {
			const end = await live();
			if (stopping.signal.aborted) break;
			// Nothing happens once it has been ready; before, this start was the last.
			first.reject(end.error);
			const everReady = await first.promise.then(
				() => true,
				() => false,
			);
			if (!everReady) return;
			if (hasLeft) return onEvent({ kind: "left", name });
			deaths++;
			const restartInMs = delays.next(end.healthyMs);
			const tail = log.tail(TAIL_LINES);
			onEvent({ kind: "died", name, how: end.how, deaths, restartInMs, logPath: spec.logPath, tail });
			await delay(restartInMs, undefined, { signal: stopping.signal }).catch(() => undefined);
		}
	};

	const finished = keepAlive().finally(() => {
		log.close();
		first.reject(new RunmeshError("RM_UNAVAILABLE", `${name} was stopped before it was ready`));
	});
	finished.catch((error: Error) => first.reject(error));

	return {
		name,
		ready: first.promise,
		pid: () => child?.pid ?? null,
		kill: () => {
			stopping.abort();
			child?.kill("SIGKILL");
		},
		restart: () => {
			const running = child;
			if (!running) return;
			running.kill("SIGTERM");
			const firmly = setTimeout(() => running.kill("SIGKILL"), graceMs);
			running.once("exit", () => clearTimeout(firmly));
		},
		stop: async () => {
			stopping.abort();
			child?.kill("SIGTERM");
			const firmly = setTimeout(() => child?.kill("SIGKILL"), graceMs);
			await finished.catch(() => undefined);
			clearTimeout(firmly);
		},
	};
};

/** "exit code 1", "SIGKILL", or why it could not be started at all. */
const goneFrom = (child: ChildProcess): Promise<string> =>
	new Promise((resolve) => {
		child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
		child.once("error", (error) => {
			if (child.pid === undefined) resolve(error.message);
		});
	});

/** Aborts when the time is over or the process is gone, whichever is first. */
const within = async <T>(ms: number, life: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T> => {
	const limit = new AbortController();
	const timer = setTimeout(() => limit.abort(), ms);
	try {
		return await task(AbortSignal.any([life, limit.signal]));
	} finally {
		clearTimeout(timer);
	}
};
