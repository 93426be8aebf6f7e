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

export const capacityOf = (fingerprint: Fingerprint, { cpuMillis, memoryBytes }: AgentOptions): Capacity => ({
	cpuMillis: Math.min(fingerprint.cpuCores * 1000, cpuMillis ?? Number.POSITIVE_INFINITY),
	memoryBytes: Math.min(fingerprint.memoryBytes, memoryBytes ?? Number.POSITIVE_INFINITY),
	gpus: fingerprint.gpus,
});

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
	fingerprint,
	capacity: asResources(capacityOf(fingerprint, options)),
	endpoints: { grpc, serving: serving.endpoint },
	replicas: serving.replicas,
	...more,
});

/** Devices differ: the memory that every one of them has. */
const asResources = ({ cpuMillis, memoryBytes, gpus }: Capacity): Resources => ({
	cpuMillis,
	memoryBytes,
	gpu:
		gpus.length === 0
			? null
			: { count: gpus.length, memoryBytes: Math.min(...gpus.map((gpu) => gpu.memoryBytes)), model: "" },
});

/** The address others dial: the advertised host with the port that is really listened on. */
export const dialable = (host: string, listening: string): string =>
	hostPort(host, Number(listening.slice(listening.lastIndexOf(":") + 1)));
