/** The GPUs of this agent: found, watched, given to steps, and taken out of use when they break. */

import type { Fingerprint, Task, Usable } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Input } from "./core/inputs.ts";
import type { AgentState } from "./core/state.ts";
import { createGpuProbe, type GpuProbe } from "./fingerprint/gpus.ts";
import type { Finding } from "./fingerprint/probe.ts";
import type { Excess } from "./gpu/budget.ts";
import { givenDevices, type StepDevices } from "./gpu/environment.ts";
import { watchGpus } from "./gpu/monitor.ts";
import type { GpuUsage } from "./gpu/usage.ts";
import type { AgentOptions } from "./options.ts";
import { attemptPaths } from "./runner/files/paths.ts";
import { readNamed } from "./runner/files/process-record.ts";

export interface AgentGpus {
	readonly probe: GpuProbe;
	/** For the environment of a step. Throws when one of its devices is gone. */
	devicesFor(gpuIds: readonly string[], task: Task): StepDevices;
	/** Why one of these devices can't be worked with, looked at now; "" when nothing is wrong. */
	examine(gpuIds: readonly string[]): Promise<string>;
	usageOf(attemptId: AttemptId): GpuUsage;
	/** Once, when it is known what runs here. */
	firstLook(): Promise<void>;
	close(): void;
}

export interface AgentGpusOptions {
	options: Pick<AgentOptions, "gpus" | "gpuOverBudget" | "gpuInterval">;
	/** The agent's. */
	folder: string;
	state: AgentState;
	fingerprint(): Fingerprint;
	/** What others leave of the devices. */
	onLeft(devices: Usable["devices"]): unknown;
	learn(finding: Finding): void;
	/** What the fingerprint says of the GPUs is to be looked up again. */
	lookAgain(): void;
	dispatch(input: Input): void;
	warn(message: string, error: unknown): void;
	nowMs(): number;
}

export const createAgentGpus = (given: AgentGpusOptions): AgentGpus => {
	const { options, folder, state, fingerprint, onLeft, learn, lookAgain, dispatch, warn, nowMs } = given;
	const probe = createGpuProbe(options.gpus, (id) => monitor.faultOf(id));

	const running = () => [...state.attempts.values()].filter(({ phase }) => phase === "running");
	const sessions = (): Map<number, AttemptId> => {
		const found = new Map<number, AttemptId>();
		for (const { identity, gpuIds } of running()) {
			if (gpuIds.length === 0) continue;
			const supervisor = readNamed(attemptPaths(`${folder}/attempts`, identity.attemptId));
			if (supervisor) found.set(supervisor.pid, identity.attemptId);
		}
		return found;
	};

	const act = ({ attemptId, cause, reason }: Excess): void => {
		if (options.gpuOverBudget === "stop") dispatch({ kind: "limitExceeded", attemptId, cause, reason });
		else if (options.gpuOverBudget === "warn") warn(`${attemptId} ${reason}`, null);
	};

	const monitor = watchGpus({
		gpus: () => fingerprint().gpus,
		attempts: () =>
			running().map(({ identity, gpuIds, startedAtMs, task }) => ({
				...{ attemptId: identity.attemptId, gpuIds, startedAtMs },
				shareBytes: task?.resources.gpu?.memoryBytes ?? 0,
			})),
		known: () => ({ has: (attemptId) => state.attempts.has(attemptId as AttemptId), sessions: sessions() }),
		everyMs: options.gpuInterval,
		onLeft: () => onLeft(monitor.left()),
		onFaults: () => {
			const marked = (gpus: Fingerprint["gpus"]) => gpus.map((gpu) => ({ ...gpu, fault: monitor.faultOf(gpu.id) }));
			learn((known) => ({ ...known, gpus: marked(known.gpus) }));
		},
		onOtherDevices: lookAgain,
		onExcess: act,
		...{ warn, nowMs },
	});

	return {
		probe,
		devicesFor: (gpuIds, { resources }) => ({
			given: givenDevices(gpuIds, fingerprint().gpus),
			shareBytes: resources.gpu?.memoryBytes ?? 0,
			vendors: probe.vendors(),
		}),
		examine: monitor.examine,
		usageOf: monitor.usageOf,
		firstLook: monitor.look,
		close: monitor.close,
	};
};
