/** What this agent offers to the mesh: its fingerprint, and of that what its owner gives. */

import type { Advert, Fingerprint, ReplicaStatus, Resources } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { hostPort } from "#shared/wire/grpc.ts";
import packageJson from "../package.json" with { type: "json" };
import type { Capacity } from "./core/capacity.ts";
import type { AgentOptions } from "./options.ts";

export interface Offer {
	fingerprint: Fingerprint;
	/** host:port for peers. */
	grpc: string;
}

/** Without what is kept for the owner, and no more than the owner gives. */
export const capacityOf = (fingerprint: Fingerprint, { cpu, memory, disk, owner }: AgentOptions): Capacity => {
	const given = (there: number, kept: number, most: number | null): number =>
		Math.max(0, Math.min(there - kept, most ?? there));
	return {
		cpuMillis: given(fingerprint.cpuCores * 1000, owner.reserve.cpuMillis, cpu),
		memoryBytes: given(fingerprint.memoryBytes, owner.reserve.memoryBytes, memory),
		diskBytes: given(fingerprint.diskBytes, owner.reserve.diskBytes, disk),
		named: owner.named,
		gpus: fingerprint.gpus,
	};
};

export const buildAdvert = (
	agentId: AgentId,
	options: AgentOptions,
	{ fingerprint, grpc }: Offer,
	serving: { endpoint: string; replicas: ReplicaStatus[] },
	more: { cordoned: boolean; atMs: number },
): Advert => ({
	agentId,
	name: options.name ?? agentId,
	version: packageJson.version,
	labels: { ...options.labels },
	fingerprint: withChosenEngine(fingerprint, options.containerEngine),
	capacity: asResources(capacityOf(fingerprint, options)),
	endpoints: { grpc, serving: serving.endpoint },
	replicas: serving.replicas,
	...more,
});

/** An engine that its owner keeps from steps is none for the mesh. */
const withChosenEngine = (fingerprint: Fingerprint, choice: AgentOptions["containerEngine"]): Fingerprint => {
	if (choice === "auto") return fingerprint;
	const isOffered = (name: string): boolean => name === choice || (name !== "docker" && name !== "podman");
	const runtimes = Object.entries(fingerprint.runtimes).filter(([name]) => isOffered(name));
	return { ...fingerprint, runtimes: Object.fromEntries(runtimes) };
};

/** Devices differ: the memory that every one of them has. */
const asResources = ({ cpuMillis, memoryBytes, diskBytes, named, gpus }: Capacity): Resources => ({
	...{ cpuMillis, memoryBytes, diskBytes },
	named: { ...named },
	gpu:
		gpus.length === 0
			? null
			: { count: gpus.length, memoryBytes: Math.min(...gpus.map((gpu) => gpu.memoryBytes)), model: "" },
});

/** The address others dial: the advertised host with the port that is really listened on. */
export const dialable = (host: string, listening: string): string =>
	hostPort(host, Number(listening.slice(listening.lastIndexOf(":") + 1)));
