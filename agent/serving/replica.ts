/**
 * One model version served on this machine: the queue before its process, and the process's restarts. The process
 * runs one request at a time; a second is with it already, so that it never idles for want of one.
 */

import { RunmeshError } from "#shared/errors.ts";
import { type HostProcess, startHost } from "./host-process.ts";
import type { ServingLimits } from "./limits.ts";
import type { ModelSignature, WireTensor } from "./model.ts";

export interface ReplicaOptions {
	/** For messages: "digits version 3". */
	label: string;
	modelPath: string;
	goldenPath: string | null;
	limits: ServingLimits;
	/** Its process ended by itself and is started again. */
	onDeath: (how: string) => void;
	/** It died too often to go on. */
	onFailed: (reason: string) => void;
	nowMs: () => number;
}

export interface InferRequest {
	inputs: WireTensor[];
	/** All where empty. */
	outputs: string[];
	/** Aborted where nobody waits for the answer any more. */
	signal?: AbortSignal;
}

export interface Replica {
	readonly signature: ModelSignature;
	/** Why it serves no more; null while it does. */
	failure(): string | null;
	/** The model's process; null while there is none. */
	pid(): number | null;
	/**
	 * The inputs must fit the signature. Rejects with RM_UNAVAILABLE where the queue is full, the deadline passed or
	 * the process died twice on this request; with RM_BAD_INPUT where the runtime refuses it.
	 */
	infer(request: InferRequest): Promise<WireTensor[]>;
	/** Takes nothing new, answers what it has, ends the process. */
	drain(): Promise<void>;
	/** Ends the process now; what still waits is refused. */
	end(): Promise<void>;
}

interface Pending extends InferRequest {
	id: number;
	/** The process ended while it ran this. */
	survived: boolean;
	settled: boolean;
	settle(answer: WireTensor[] | Error): void;
}

const WITH_PROCESS = 2;
const MAX_DEATHS = 5;
const DEATHS_WITHIN_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const PAUSE_FACTOR = 4;
const RETRY_AFTER_SECONDS = 1;

const unavailable = (message: string): RunmeshError =>
	new RunmeshError("RM_UNAVAILABLE", message, { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } });

const sizeOf = (requests: Pick<InferRequest, "inputs">[]): number =>
	requests.reduce((sum, { inputs }) => inputs.reduce((more, { bytes }) => more + bytes.length, sum), 0);

/** Loaded and warm. Rejects where the first start fails or the signal aborts it. */
export const startReplica = async (options: ReplicaOptions, signal: AbortSignal): Promise<Replica> => {
	const { label, limits, nowMs } = options;
	const waiting: Pending[] = [];
	/** Sent to the process; it runs the first. */
	let running: Pending[] = [];
	let host: HostProcess | null = null;
	let state: "open" | "draining" | "ended" = "open";
	let failure: string | null = null;
	let deaths: number[] = [];
	let nextId = 1;
	let runTimer: NodeJS.Timeout | undefined;
	let restartTimer: NodeJS.Timeout | undefined;
	const ending = new AbortController();
	let whenIdle: (() => void) | null = null;

	const launch = (until: AbortSignal): Promise<HostProcess> =>
		startHost({
			modelPath: options.modelPath,
			goldenPath: options.goldenPath,
			memoryBytes: limits.memoryBytes,
			startMs: limits.startMs,
			signal: until,
			onAnswer: finish,
			onEnd: (how) => {
				host = null;
				if (state !== "ended") recover(how);
			},
		});

	const refuseAll = (error: RunmeshError): void => {
		for (const pending of [...running, ...waiting]) pending.settle(error);
		running = [];
		waiting.length = 0;
		whenIdle?.();
	};

	/** A run can't be interrupted: only its process can be ended. */
	const timeRun = (): void => {
		clearTimeout(runTimer);
		if (running.length === 0) return;
		const tooLong = `took longer than ${limits.runMs / 1000} s for one run`;
		runTimer = setTimeout(() => host?.kill(tooLong), limits.runMs);
	};

	const pump = (): void => {
		while (host && running.length < WITH_PROCESS && waiting.length > 0) {
			const pending = waiting.shift() as Pending;
			running.push(pending);
			if (running.length === 1) timeRun();
			host.run(pending.id, pending.inputs, pending.outputs);
		}
		if (running.length + waiting.length === 0) whenIdle?.();
	};

	const finish = (id: number, answer: WireTensor[] | Error): void => {
		if (running[0]?.id !== id) throw new Error(`an answer to request ${id}, expected ${running[0]?.id}`);
		const pending = running.shift() as Pending;
		timeRun();
		pending.settle(
			answer instanceof Error
				? new RunmeshError("RM_BAD_INPUT", `${label} could not run this request: ${answer.message}`)
				: answer,
		);
		pump();
	};

	/** Inference has no effects, so what was with the process is run again once; the first may be what killed it. */
	const recover = (how: string): void => {
		clearTimeout(runTimer);
		const [first, ...others] = running;
		running = [];
		waiting.unshift(...others.filter(({ settled }) => !settled));
		if (first?.survived) first.settle(unavailable(`the process of ${label} ${how}, twice on this request`));
		else if (first && !first.settled) waiting.unshift(Object.assign(first, { survived: true }));

		const now = nowMs();
		deaths = [...deaths.filter((at) => now - at < DEATHS_WITHIN_MS), now];
		if (deaths.length >= MAX_DEATHS) {
			failure = `its process ended ${deaths.length} times in a minute; the last time it ${how}`;
			refuseAll(unavailable(`${label} serves no more: ${failure}`));
			options.onFailed(failure);
			return;
		}
		options.onDeath(how);
		const pauseMs = FIRST_PAUSE_MS * PAUSE_FACTOR ** (deaths.length - 1);
		restartTimer = setTimeout(() => {
			launch(ending.signal).then(
				async (started) => {
					host = started;
					if (state === "ended") await started.end();
					else pump();
				},
				(error: Error) => {
					if (state !== "ended") recover(error.message);
				},
			);
		}, pauseMs);
	};

	const infer = ({ inputs, outputs, signal: gone }: InferRequest): Promise<WireTensor[]> => {
		if (failure !== null) return Promise.reject(unavailable(`${label} serves no more: ${failure}`));
		if (state !== "open") return Promise.reject(unavailable(`${label} is being unloaded`));
		if (waiting.length >= limits.queueDepth) {
			return Promise.reject(unavailable(`${limits.queueDepth} requests wait for ${label} already`));
		}
		if (waiting.length > 0 && sizeOf([...waiting, { inputs }]) > limits.queueBytes) {
			return Promise.reject(unavailable(`requests of ${sizeOf(waiting)} bytes wait for ${label} already`));
		}
		return new Promise((resolve, reject) => {
			const pending: Pending = {
				id: nextId++,
				inputs,
				outputs,
				survived: false,
				settled: false,
				settle: (answer) => {
					if (pending.settled) return;
					pending.settled = true;
					clearTimeout(late);
					gone?.removeEventListener("abort", leave);
					if (answer instanceof Error) reject(answer);
					else resolve(answer);
				},
			};
			/** Answered early: it must not take the process's time any more, if it has not yet. */
			const withdraw = (error: RunmeshError): void => {
				const place = waiting.indexOf(pending);
				if (place >= 0) waiting.splice(place, 1);
				pending.settle(error);
				pump();
			};
			const leave = (): void => withdraw(unavailable("the caller is gone"));
			const late = setTimeout(
				() => withdraw(unavailable(`${label} had no answer within ${limits.deadlineMs / 1000} s`)),
				limits.deadlineMs,
			);
			gone?.addEventListener("abort", leave, { once: true });
			waiting.push(pending);
			pump();
		});
	};

	const end = async (): Promise<void> => {
		state = "ended";
		ending.abort(unavailable(`${label} is being unloaded`));
		clearTimeout(restartTimer);
		clearTimeout(runTimer);
		refuseAll(unavailable(`${label} is being unloaded`));
		await host?.end();
	};

	const drain = async (): Promise<void> => {
		if (state === "open") state = "draining";
		if (running.length + waiting.length > 0) {
			await new Promise<void>((resolve) => {
				whenIdle = resolve;
			});
		}
		await end();
	};

	const first = await launch(signal);
	host = first;
	return {
		signature: first.signature,
		failure: () => failure,
		pid: () => host?.pid ?? null,
		infer,
		drain,
		end,
	};
};
