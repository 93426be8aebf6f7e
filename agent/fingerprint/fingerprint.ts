/**
 * What this host is and has. What the runtime knows is there at once; the probes that ask the system's tools fill
 * in the rest. A probe that fails costs its own part alone and is named in `problems`.
 */

import { arch, availableParallelism, cpus, hostname, release, type } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Fingerprint } from "#shared/domain.ts";
import { probeCpu } from "./cpu.ts";
import { probeDisk } from "./disk.ts";
import { probeNvidiaGpus } from "./gpu-nvidia.ts";
import { memoryBytes } from "./memory.ts";
import { probeOs } from "./os.ts";
import { probeRuntimes } from "./runtimes.ts";
import { PROBE_TIMEOUT_MS } from "./tool.ts";

/** Takes no time; no GPU, runtime or disk is in it yet. */
export const firstFingerprint = (): Fingerprint => ({
	hostname: hostname(),
	os: type(),
	arch: arch(),
	kernel: release(),
	cpuModel: cpus()[0]?.model ?? "",
	cpuCores: availableParallelism(),
	memoryBytes: memoryBytes(),
	diskBytes: 0,
	gpus: [],
	runtimes: { node: process.version },
	problems: {},
});

/** Before it is done, nothing that wants a GPU can be taken. */
export const withGpus = (known: Fingerprint): Promise<Fingerprint> =>
	within(known, "gpu", async () => {
		const { gpus, problem } = await probeNvidiaGpus();
		return { gpus, problems: { ...known.problems, ...(problem === "" ? {} : { gpu: problem }) } };
	});

/** The rest, one after the other: an agent that starts has better to do than to be quick at this. */
export const withDetails = async (known: Fingerprint, folder: string): Promise<Fingerprint> => {
	let found = await within(known, "disk", () => probeDisk(folder));
	found = await within(found, "os", probeOs);
	found = await within(found, "cpu", probeCpu);
	return within(found, "runtimes", async () => {
		const { runtimes, problems } = await probeRuntimes();
		return { runtimes, problems: { ...found.problems, ...problems } };
	});
};

/** A little longer than a tool may take, which then says itself what hung. */
const DEADLINE_MS = PROBE_TIMEOUT_MS + 500;

const within = async (
	known: Fingerprint,
	name: string,
	probe: () => Promise<Partial<Fingerprint>>,
): Promise<Fingerprint> => {
	const giveUp = new AbortController();
	try {
		const late = delay(DEADLINE_MS, undefined, { signal: giveUp.signal }).then(() => {
			throw new Error(`no answer in ${DEADLINE_MS / 1000} s`);
		});
		return { ...known, ...(await Promise.race([probe(), late])) };
	} catch (error) {
		return { ...known, problems: { ...known.problems, [name]: (error as Error).message } };
	} finally {
		giveUp.abort();
	}
};
