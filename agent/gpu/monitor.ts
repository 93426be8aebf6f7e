/**
 * Keeps an eye on the GPUs: what others use, what each attempt uses, who uses more than it was given, and what is
 * broken. One look at a time; a tool that hangs is asked ever more rarely.
 */

import type { Gpu, Usable } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import { NotStarted } from "../fingerprint/tool.ts";
import { createBudgets, type Excess } from "./budget.ts";
import { createFaults } from "./faults.ts";
import { watchKernelLog } from "./kernel-log.ts";
import { type GpuAttempt, type Left, leftByOthers } from "./others.ts";
import { type KnownAttempts, ownerOf } from "./owners.ts";
import { readGpus } from "./reading.ts";
import { createUsages, type GpuUsage } from "./usage.ts";

export interface GpuMonitor {
	/** What others on this machine leave of the devices that are not to be had in full. */
	left(): Usable["devices"];
	usageOf(attemptId: AttemptId): GpuUsage;
	/** Why a device is given to nobody; "" when it works. */
	faultOf(id: string): string;
	/** Looks at devices now, on which something has failed: what is wrong with one of them; "" when nothing is. */
	examine(gpuIds: readonly string[]): Promise<string>;
	/** Now, besides the regular ones. */
	look(): Promise<void>;
	close(): void;
}

export interface GpuMonitorOptions {
	gpus(): readonly Gpu[];
	/** Those that run, with devices and without. */
	attempts(): GpuAttempt[];
	known(): KnownAttempts;
	/** While attempts with devices run; six times that while none does. */
	everyMs: number;
	onLeft(): void;
	onFaults(): void;
	/** One has come or gone. */
	onOtherDevices(): void;
	onExcess(excess: Excess): void;
	warn(message: string, error: unknown): void;
	nowMs(): number;
}

const hasDevices = ({ gpuIds }: GpuAttempt): boolean => gpuIds.length > 0;

const IDLE_FACTOR = 6;
const LONGEST_MS = 600_000;

export const watchGpus = (options: GpuMonitorOptions): GpuMonitor => {
	const { gpus, attempts, known, everyMs, warn, nowMs } = options;
	const faults = createFaults();
	const budgets = createBudgets();
	const usages = createUsages();
	const kernel = watchKernelLog();
	let left: Left[] = [];
	/** Devices with memory in use that was nobody's at the last look. */
	let doubtful = new Set<string>();
	/** null before the first look. */
	let seenDevices: string | null = null;
	let lastLookMs = nowMs();
	let failures = 0;
	let looking: Promise<void> | null = null;
	let closed = false;

	const lookOnce = async (thorough: boolean): Promise<void> => {
		const devices = gpus();
		if (devices.length === 0) return;
		const time = { lastMs: lastLookMs, nowMs: nowMs() };
		lastLookMs = time.nowMs;
		try {
			const reading = await readGpus(devices, thorough);
			const events = thorough ? await kernel.errors() : new Map<string, string>();
			if (closed) return;
			failures = 0;
			const running = attempts();
			const ours = known();
			const processes = reading.processes.map((process) => ({ ...process, owner: ownerOf(process.pid, ours) }));
			usages.keep(ours.has);
			usages.observe(running.filter(hasDevices), reading, processes, time);
			for (const excess of budgets.observe(running, processes)) options.onExcess(excess);
			noteLeft(leftByOthers(devices, reading, processes, running));
			if (faults.observe(devices, reading, events)) options.onFaults();
			noteDevices([...reading.devices.keys()].join());
		} catch (error) {
			failures++;
			if (failures === 1) warn("the GPUs could not be looked at", error);
			if (!closed && !(error instanceof NotStarted) && faults.observeFailure(devices, (error as Error).message))
				options.onFaults();
		}
	};

	const noteLeft = (found: Left[]): void => {
		const sure = found.filter(({ id, isSeen }) => isSeen || doubtful.has(id));
		doubtful = new Set(found.filter(({ isSeen }) => !isSeen).map(({ id }) => id));
		const changed = JSON.stringify(sure) !== JSON.stringify(left);
		left = sure;
		if (changed) options.onLeft();
	};

	const noteDevices = (names: string): void => {
		if (seenDevices !== null && seenDevices !== names) options.onOtherDevices();
		seenDevices = names;
	};

	const isBusy = (): boolean => doubtful.size > 0 || attempts().some(hasDevices);

	const look = (thorough: boolean): Promise<void> => {
		looking ??= lookOnce(thorough).finally(() => {
			looking = null;
		});
		return looking;
	};

	const isDue = (): boolean => {
		const waitMs = Math.min(LONGEST_MS, everyMs * (isBusy() ? 1 : IDLE_FACTOR) * 2 ** failures);
		return nowMs() - lastLookMs >= waitMs;
	};
	const timer = setInterval(() => {
		if (!looking && gpus().length > 0 && isDue()) void look(!isBusy());
	}, everyMs);
	timer.unref();

	return {
		left: () => left.map(({ id, memoryBytes, reason }) => ({ id, memoryBytes, reason })),
		look: () => look(false),
		usageOf: usages.usageOf,
		faultOf: faults.of,
		examine: async (gpuIds) => {
			// One that is under way may have looked before it failed.
			await looking;
			await look(true);
			return gpuIds
				.filter((id) => faults.of(id) !== "")
				.map((id) => `${id}: ${faults.of(id)}`)
				.join("; ");
		},
		close: () => {
			closed = true;
			clearInterval(timer);
		},
	};
};
