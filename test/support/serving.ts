/** A serving agent of its own for a test: temp folder, blob store, artifacts made of bytes, changes to wait for. */

import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pino } from "pino";
import type { ServingLimits } from "#agent/serving/limits.ts";
import { type Serving, type ServingOptions, startServing } from "#agent/serving/serving.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef, DesiredReplica, ReplicaStatus } from "#shared/domain.ts";
import { type InferAnswer, type InferCall, inferHttp } from "#shared/inference/client.ts";

export const testToken = "test-token";

export interface TestServing extends Serving {
	changes: ReplicaStatus[];
	dataDir: string;
	/** A single file, or a folder of files by path. */
	artifact(files: Uint8Array | string | Record<string, Uint8Array | string>): Promise<ArtifactRef>;
	/** Resolves with the first change that fits, of those that came already too. */
	change(fits: (change: ReplicaStatus) => boolean): Promise<ReplicaStatus>;
	/** Reconciles to just this and waits for it to serve or to fail. */
	deploy(replica: Partial<DesiredReplica> & Pick<DesiredReplica, "artifact">): Promise<ReplicaStatus>;
	infer(call: Omit<InferCall, "endpoint" | "token">): Promise<InferAnswer>;
	/** The same folders, another process life. */
	restart(options?: Partial<ServingOptions>): Promise<void>;
}

export const replicaOf = (more: Partial<DesiredReplica>): DesiredReplica => ({
	deployment: "m",
	model: "m",
	version: 1,
	artifact: null,
	golden: null,
	revision: 1,
	...more,
});

export const startTestServing = async (limits: Partial<ServingLimits> = {}): Promise<TestServing> => {
	const root = await mkdtemp(join(tmpdir(), "runmesh-serving-"));
	const store = await openBlobStore(join(root, "blobs"));
	const dataDir = join(root, "agent");
	const changes: ReplicaStatus[] = [];
	const watchers = new Set<() => void>();
	let sources = 0;

	const start = (more: Partial<ServingOptions> = {}): Promise<Serving> =>
		startServing({
			dataDir,
			host: "127.0.0.1",
			port: 0,
			token: testToken,
			store,
			fetch: async () => {},
			onReplicaChanged: (change) => {
				changes.push(change);
				for (const watcher of watchers) watcher();
			},
			log: pino({ level: process.env.TEST_LOG ?? "silent" }),
			limits,
			...more,
		});
	let serving = await start();

	const self: TestServing = {
		get endpoint() {
			return serving.endpoint;
		},
		changes,
		dataDir,
		reconcile: (desired) => serving.reconcile(desired),
		statuses: () => serving.statuses(),
		close: async () => {
			await serving.close();
			await rm(root, { recursive: true, force: true });
		},
		artifact: async (files) => {
			const source = join(root, `source-${sources++}`);
			const single = typeof files === "string" || files instanceof Uint8Array;
			if (single) await writeFile(source, files);
			else {
				for (const [path, bytes] of Object.entries(files)) {
					await mkdir(dirname(join(source, path)), { recursive: true });
					await writeFile(join(source, path), bytes);
				}
			}
			return captureTree(store, source, "artifact", "test");
		},
		change: (fits) =>
			new Promise((resolve) => {
				const look = (): void => {
					const found = changes.find(fits);
					if (!found) return;
					watchers.delete(look);
					resolve(found);
				};
				watchers.add(look);
				look();
			}),
		deploy: (more) => {
			const replica = replicaOf(more);
			serving.reconcile({ replicas: [replica] });
			return self.change(
				({ deployment, revision, version, state }) =>
					deployment === replica.deployment &&
					revision === replica.revision &&
					version === replica.version &&
					state !== "loading",
			);
		},
		infer: (call) => inferHttp({ endpoint: serving.endpoint, token: testToken, ...call }),
		restart: async (options) => {
			await serving.close();
			changes.length = 0;
			serving = await start(options);
		},
	};
	return self;
};

/** Processes that serve models and were started by this one. */
export const hostPids = (): number[] =>
	readdirSync("/proc/self/task")
		.flatMap((thread) => readFileSync(`/proc/self/task/${thread}/children`, "utf8").trim().split(" "))
		.filter((pid) => pid !== "" && commandLine(pid).includes("serving/host.ts"))
		.map(Number);

const commandLine = (pid: string): string => {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, "utf8");
	} catch {
		return "";
	}
};
