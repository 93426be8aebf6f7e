/**
 * Serving on an agent: keeps the models that the desired state names ready on this machine and answers for them over
 * the V2 protocol. It knows no coordinator: whoever has the desired state hands it in, again and again.
 */

import type { Logger } from "pino";
import type { BlobStore } from "#shared/blobs/store.ts";
import { monotonicClock } from "#shared/clock.ts";
import type { ArtifactRef, DesiredReplica, DesiredServing, ReplicaStatus } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import { bringUp } from "./bring-up.ts";
import { Deployment } from "./deployment.ts";
import { createDirectory } from "./directory.ts";
import { defaultLimits, type ServingLimits } from "./limits.ts";
import { openModelFiles } from "./model-files.ts";
import { openEndpoint } from "./v2/endpoint.ts";

export interface ServingOptions {
	dataDir: string;
	/** Listened on. */
	host: string;
	/** What others dial; `host` where it is left out. */
	advertise?: string;
	/** 0 takes any free one. */
	port: number;
	/** Clients send it as a bearer token. */
	token: string;
	store: BlobStore;
	/** Brings an artifact's blobs into the store; resolves at once where they are there. */
	fetch: (ref: ArtifactRef) => Promise<void>;
	/** One of `statuses()` has changed. */
	onReplicaChanged: (status: ReplicaStatus) => void;
	log: Logger;
	limits?: Partial<ServingLimits>;
}

export interface Serving {
	/** http://host:port, as others reach it. */
	endpoint: string;
	/** Makes it so, in the background. The last call wins. */
	reconcile(desired: DesiredServing): void;
	statuses(): ReplicaStatus[];
	close(): Promise<void>;
}

/** One after the other. */
const createTurn = () => {
	let last: Promise<unknown> = Promise.resolve();
	return <T>(work: () => Promise<T>): Promise<T> => {
		const mine = last.then(work, work);
		last = mine.catch(() => undefined);
		return mine;
	};
};

const digestsOf = ({ artifact, golden }: DesiredReplica): Digest[] =>
	[artifact, golden].flatMap((ref) => (ref ? [ref.digest] : []));

export const startServing = async (options: ServingOptions): Promise<Serving> => {
	const { dataDir, host, advertise = host, port, token, store, fetch, onReplicaChanged, log } = options;
	const limits = { ...defaultLimits(), ...options.limits };
	const deployments = new Map<string, Deployment>();
	const files = openModelFiles(dataDir, store, fetch);
	const context = { files, limits, inTurn: createTurn(), nowMs: monotonicClock.nowMs };
	const models = createDirectory(() => [...deployments.values()]);
	const endpoint = await openEndpoint({ host, advertise, port, token, models, limits, log });
	let closed = false;

	const prune = async (): Promise<void> => {
		const inUse = [...deployments.values()].flatMap((deployment) => deployment.inUse());
		try {
			await files.prune(new Set(inUse.flatMap(digestsOf)));
		} catch (error) {
			log.warn({ error }, "models that are served no more could not be removed from the disk");
		}
	};

	const createDeployment = (name: string): Deployment => {
		const deployment = new Deployment({
			bringUp: (wanted, events, signal) => bringUp(context, wanted, events, signal),
			onChanged: (status) => {
				log[status.state === "failed" ? "warn" : "info"](status, `replica ${status.state}`);
				if (status.state === "serving") endpoint.prepare();
				onReplicaChanged({ ...status, endpoint: endpoint.url });
			},
			onDeath: ({ version }, how) =>
				log.warn({ deployment: name, version }, `a model's process ${how}; starting it again`),
			onSettled: () => {
				if (closed) return;
				if (deployment.gone) deployments.delete(name);
				void prune();
			},
		});
		deployments.set(name, deployment);
		return deployment;
	};

	return {
		endpoint: endpoint.url,
		reconcile: ({ replicas }) => {
			if (closed) return;
			const wanted = new Map(replicas.map((replica) => [replica.deployment, replica]));
			for (const [name, replica] of wanted) (deployments.get(name) ?? createDeployment(name)).update(replica);
			for (const [name, deployment] of deployments) if (!wanted.has(name)) deployment.update(null);
		},
		statuses: () => {
			const statuses = [...deployments.values()].flatMap((deployment) => deployment.statuses());
			return statuses.map((status) => ({ ...status, endpoint: endpoint.url }));
		},
		close: async () => {
			closed = true;
			await endpoint.close();
			await Promise.all([...deployments.values()].map((deployment) => deployment.close()));
		},
	};
};
