/** Looks after the machine that the agent is on: what it has, whether anything can be run on it, and its disk. */

import type { FetchedBlobs } from "#shared/blobs/fetched.ts";
import type { Fingerprint } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import type { Input } from "./core/inputs.ts";
import type { AgentState } from "./core/state.ts";
import { type DiskOptions, type DiskWatch, keepDisk } from "./disk/disk.ts";
import { cheapProbes, dearProbes } from "./fingerprint/fingerprint.ts";
import type { Probe } from "./fingerprint/probe.ts";
import { type Refresh, refreshRegularly } from "./fingerprint/refresh.ts";
import type { AgentOptions } from "./options.ts";
import { hostChecks } from "./self-check/checks.ts";
import { checkRegularly } from "./self-check/self-check.ts";

export interface HostWatch {
	/** What must be known before a task is taken is known: GPUs, whether anything can be run. */
	readonly ready: Promise<void>;
	/** Once it is known which attempts are here. Resolves after the first look. */
	keepDisk(relieve: DiskOptions["relieve"]): Promise<void>;
	/** The rest of the fingerprint. */
	lookCloser(): Promise<void>;
	/** GPUs have come or gone. */
	lookAtGpus(): void;
	/** What somebody else has found out of the host. */
	learn: Refresh["learn"];
	close(): void;
}

export interface HostWatchOptions {
	/** The agent's. */
	folder: string;
	options: Pick<AgentOptions, "disk" | "minFreeDisk" | "limits">;
	state: AgentState;
	fetched: FetchedBlobs;
	gpuProbe: Probe;
	known(): Fingerprint;
	onChange(fingerprint: Fingerprint): void;
	/** Of the disk, what attempts may claim. */
	onDiskUsable(bytes: number): void;
	dispatch(input: Input): void;
}

export const watchHost = (given: HostWatchOptions): HostWatch => {
	const { folder, options, state, fetched, gpuProbe, known, onChange, onDiskUsable, dispatch } = given;
	const eachMinute = cheapProbes(folder);
	// GPUs are watched besides, which is cheaper.
	const fingerprint = refreshRegularly({ known, onChange, eachMinute, rarely: [gpuProbe, ...dearProbes] });
	const close = (by: string) => (reason: string) => dispatch({ kind: "closedChanged", by, reason });
	const selfCheck = checkRegularly(hostChecks(folder), close("self-check"));

	const living = () => [...state.attempts.values()].filter(({ phase }) => phase !== "finished");
	let disk: DiskWatch | null = null;
	const startDisk = (relieve: DiskOptions["relieve"]): Promise<void> => {
		disk = keepDisk({
			...{ folder, fetched, relieve, minFreeBytes: options.minFreeDisk, boundBytes: options.disk },
			attempts: () =>
				living().map(({ identity: { attemptId }, task }) => ({
					...{ attemptId, folder: `${folder}/attempts/${attemptId}` },
					limitBytes: options.limits === "off" ? 0 : (task?.limits.diskBytes ?? 0),
				})),
			isNeeded: (digest) => isCodeOfSome(state, digest),
			onClosed: close("disk"),
			onUsable: onDiskUsable,
			onExceeded: (attemptId, reason) => dispatch({ kind: "limitExceeded", attemptId, cause: "disk", reason }),
		});
		return disk.done;
	};

	return {
		ready: Promise.all([fingerprint.lookAt([gpuProbe, ...eachMinute]), selfCheck.done]).then(() => undefined),
		keepDisk: startDisk,
		lookCloser: () => fingerprint.lookAt(dearProbes),
		lookAtGpus: () => void fingerprint.lookAt([gpuProbe]),
		learn: fingerprint.learn,
		close: () => {
			fingerprint.close();
			selfCheck.close();
			disk?.close();
		},
	};
};

/** What an attempt read of its code is told when it ends, by the list of all that there was. */
const isCodeOfSome = ({ attempts }: AgentState, digest: Digest): boolean => {
	for (const { task } of attempts.values()) if (task?.trackCode && task.code?.digest === digest) return true;
	return false;
};
