/** Containers that run: when each begins, and what it takes while it can still be read. */

import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { AttemptId } from "#shared/ids.ts";
import { type ContainerUsage, NO_USAGE, usageOf } from "./cgroup-usage.ts";
import type { ContainerRecord } from "./record.ts";
import { inspectContainer } from "./state.ts";

export interface ContainerWatch {
	/** Once its client was started. */
	add(attemptId: AttemptId, record: ContainerRecord): void;
	/** Resolves when its process runs, or never will. */
	begun(attemptId: AttemptId): Promise<void>;
	usage(attemptId: AttemptId): ContainerUsage;
	/** What it took in all. */
	remove(attemptId: AttemptId): ContainerUsage;
	close(): void;
}

interface Watched {
	/** 0 until it is known. */
	pid: number;
	usage: ContainerUsage;
	begun: Promise<void>;
	over: AbortController;
}

const SAMPLE_MS = 500;
/** Between two looks whether it has begun: an engine that is busy is not to be kept busier. */
const LOOKS_MS = [50, 100, 200, 400, 800];
const BEGINS_WITHIN_MS = 60_000;
/** The kernel drops what comes for a container's first process before that has said that it listens. */
const DEAF_FOR_MS = 1_000;
const DEAF_LOOK_MS = 20;

/** By its masks of blocked and caught signals, of which SIGTERM is the 15th. */
const hearsTerm = (pid: number): boolean => {
	if (pid === 0) return true;
	try {
		const status = readFileSync(`/proc/${pid}/status`, "utf8");
		return [...status.matchAll(/^Sig(?:Blk|Cgt):\s*([0-9a-f]+)$/gm)].some(
			([, mask]) => ((BigInt(`0x${mask}`) >> 14n) & 1n) !== 0n,
		);
	} catch {
		return false;
	}
};

export const watchContainers = (): ContainerWatch => {
	const watched = new Map<AttemptId, Watched>();
	let timer: NodeJS.Timeout | null = null;

	const sample = (): void => {
		for (const of of watched.values()) if (of.pid > 0) take(of);
	};

	/** Its last files may be gone already; all of it only grows. */
	const take = (of: Watched): void => {
		const { cpuSeconds, peakMemoryBytes, memoryKills } = usageOf(of.pid);
		of.usage = {
			cpuSeconds: Math.max(of.usage.cpuSeconds, cpuSeconds),
			peakMemoryBytes: Math.max(of.usage.peakMemoryBytes, peakMemoryBytes),
			memoryKills: Math.max(of.usage.memoryKills, memoryKills),
		};
	};

	const begin = async (of: Watched, record: ContainerRecord): Promise<void> => {
		const { signal } = of.over;
		const untilMs = performance.now() + BEGINS_WITHIN_MS;
		for (let look = 0; !signal.aborted && performance.now() < untilMs; look++) {
			const state = await inspectContainer(record.client, record.name).catch(() => null);
			if (state?.started) {
				of.pid = state.running ? state.pid : 0;
				if (of.pid > 0) take(of);
				for (let waitedMs = 0; !hearsTerm(of.pid) && waitedMs < DEAF_FOR_MS; waitedMs += DEAF_LOOK_MS) {
					await delay(DEAF_LOOK_MS, undefined, { signal }).catch(() => undefined);
				}
				return;
			}
			await delay(LOOKS_MS[look] ?? LOOKS_MS.at(-1), undefined, { signal }).catch(() => undefined);
		}
	};

	return {
		add: (attemptId, record) => {
			const of: Watched = { pid: 0, usage: NO_USAGE, begun: Promise.resolve(), over: new AbortController() };
			watched.set(attemptId, of);
			of.begun = begin(of, record);
			timer ??= setInterval(sample, SAMPLE_MS);
		},
		begun: async (attemptId) => watched.get(attemptId)?.begun,
		usage: (attemptId) => watched.get(attemptId)?.usage ?? NO_USAGE,
		remove: (attemptId) => {
			const of = watched.get(attemptId);
			of?.over.abort();
			watched.delete(attemptId);
			if (watched.size === 0 && timer) {
				clearInterval(timer);
				timer = null;
			}
			return of?.usage ?? NO_USAGE;
		},
		close: () => {
			if (timer) clearInterval(timer);
			for (const { over } of watched.values()) over.abort();
		},
	};
};
