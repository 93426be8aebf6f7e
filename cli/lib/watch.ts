/**
 * Follows a run to its end. Events only say that something changed; what is shown is always the run itself, read
 * again, so nothing is missed when events are. Restarts of the coordinator are waited out.
 */

import type { RunDetail } from "#shared/api.ts";
import type { RunmeshError } from "#shared/errors.ts";
import type { Progress } from "../output/progress.ts";
import { type ApiClient, isFinished } from "./client.ts";
import { createLineAssembler } from "./log-lines.ts";
import { type Patience, pause, persist } from "./resume.ts";

export interface WatchOptions {
	logs: boolean;
	/** Ends the watch; the run goes on. */
	signal: AbortSignal;
	patience?: Patience;
}

/** Even if no event comes. */
const LONGEST_WAIT_MS = 5_000;
const SHORTEST_WAIT_MS = 100;
/** Of silence, while the last lines of log are awaited after the run has finished: longer than the coordinator's own. */
const LOG_GRACE_MS = 8_000;

/** A flag that can be waited for. */
const createBell = () => {
	let rung = false;
	let wake: () => void = () => undefined;
	return {
		ring: (): void => {
			rung = true;
			wake();
		},
		wait: async (atMostMs: number, signal: AbortSignal): Promise<void> => {
			if (!rung) {
				const done = new AbortController();
				wake = () => done.abort();
				await pause(atMostMs, AbortSignal.any([signal, done.signal]));
			}
			rung = false;
		},
	};
};

const followLogs = async (
	client: ApiClient,
	run: string,
	progress: Progress,
	options: WatchOptions & { onRecord: () => void },
): Promise<void> => {
	const assembler = createLineAssembler();
	const { signal, patience } = options;
	try {
		for await (const record of client.followLogs(run, "*", {}, { signal, patience })) {
			options.onRecord();
			for (const line of assembler.push(record)) progress.line(line);
		}
	} finally {
		for (const line of assembler.flush()) progress.line(line);
	}
};

/** Returns the run as it ended, or null when the signal ended the watch before. */
export const watchRun = async (
	client: ApiClient,
	started: RunDetail,
	progress: Progress,
	options: WatchOptions,
): Promise<RunDetail | null> => {
	const { signal, patience } = options;
	const over = new AbortController();
	const streams = AbortSignal.any([signal, over.signal]);
	const bell = createBell();
	let troubled = false;
	const onTrouble = (error: RunmeshError): void => {
		if (!troubled) progress.note(`${error.message}; the run goes on, trying again`);
		troubled = true;
	};

	const listening = (async () => {
		for await (const _ of client.events(started.id, { signal: streams, patience })) bell.ring();
	})().catch(() => undefined);
	let heardAtMs = 0;
	const onRecord = (): void => {
		heardAtMs = Date.now();
	};
	const logging = options.logs
		? followLogs(client, started.id, progress, { ...options, signal: streams, onRecord }).catch((error: Error) => {
				if (!streams.aborted) progress.note(`logs can't be shown: ${error.message}`);
			})
		: Promise.resolve();
	/** Until the logs have ended, or nothing of them comes any more. */
	const awaitLogs = async (): Promise<void> => {
		const ended = new AbortController();
		void logging.then(() => ended.abort());
		const either = AbortSignal.any([signal, ended.signal]);
		for (const overAtMs = Date.now(); !either.aborted; ) {
			const waitMs = Math.max(overAtMs, heardAtMs) + LOG_GRACE_MS - Date.now();
			if (waitMs <= 0) return progress.note("the end of the log has not come; `runmesh logs` may show it later");
			await pause(waitMs, either);
		}
	};

	let run = started;
	try {
		progress.update(run);
		while (!isFinished(run)) {
			await bell.wait(LONGEST_WAIT_MS, signal);
			if (signal.aborted) return null;
			let askedAtMs = 0;
			const ask = (): Promise<RunDetail> => {
				askedAtMs = Date.now();
				return client.run(started.id, signal);
			};
			run = await persist(ask, { signal, onTrouble, patience });
			if (troubled) progress.note("the coordinator answers again");
			troubled = false;
			progress.update(run);
			// A large run takes long to read: leave the coordinator more time than it spends on us.
			if (!isFinished(run)) await pause(Math.max(SHORTEST_WAIT_MS, 2 * (Date.now() - askedAtMs)), signal);
		}
		await awaitLogs();
		return run;
	} catch (error) {
		if (signal.aborted) return null;
		throw error;
	} finally {
		over.abort();
		await Promise.all([listening, logging]);
	}
};
