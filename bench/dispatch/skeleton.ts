/**
 * The reference for no-op steps: the mesh's path with everything left out that is not the path. Two processes, one
 * task and one report a step, every step journaled when it is leased and when it ends, reports and journal entries
 * sent in batches, on the mesh's own nats-server with streams like the mesh's.
 */

import { fileURLToPath } from "node:url";
import { AckPolicy, connect, type JetStreamManager, type JsMsg, RetentionPolicy, StorageType } from "nats";
import type { RunningMesh } from "#cli/up/up.ts";
import { natsAuth } from "#shared/credentials.ts";
import { startHelper } from "../child.ts";
import { skeleton } from "./skeleton-names.ts";

const agentProgram = fileURLToPath(new URL("./skeleton-agent.ts", import.meta.url));
const APPEND_MAX = 4_000;

/** Steps a second. */
export const bareSkeleton = async (mesh: RunningMesh, steps: number): Promise<number> => {
	const connection = await connect({ servers: mesh.nats, ...natsAuth(mesh.credentials) });
	const manager = await connection.jetstreamManager();
	await makeStreams(manager);
	const agent = await startHelper(agentProgram, [mesh.nats, mesh.home.root]);
	try {
		const client = connection.jetstream();
		let last = 0;
		const append = async (events: object[]): Promise<void> => {
			const ack = await client.publish(skeleton.journal, JSON.stringify(events), { expect: { lastSequence: last } });
			last = ack.seq;
		};
		const reports = await (await client.consumers.get(skeleton.reports, skeleton.reports)).consume({
			max_messages: 1_000,
		});
		const startedAt = performance.now();

		const lease = async (): Promise<void> => {
			for (let from = 0; from < steps; from += APPEND_MAX) {
				const some = Array.from({ length: Math.min(APPEND_MAX, steps - from) }, (_, index) => ({
					kind: "attemptLeased",
					run: "r0000000000000",
					step: `cell.${from + index}`,
					agent: "bench",
				}));
				await append(some);
				for (const task of some) void client.publish(skeleton.tasks, JSON.stringify(task));
			}
		};
		/** One append is under way at a time; meanwhile the next batch gathers. */
		const settle = async (): Promise<void> => {
			let settled = 0;
			let gathered: JsMsg[] = [];
			let wake = (): void => undefined;
			void (async () => {
				for await (const message of reports) {
					gathered.push(message);
					wake();
				}
			})();
			while (settled < steps) {
				if (gathered.length === 0) {
					await new Promise<void>((resolve) => {
						wake = resolve;
					});
				}
				const batch = gathered;
				gathered = [];
				const ended = batch.flatMap((message) => message.json<object[]>());
				await append(ended.map((report) => ({ ...report, kind: "attemptEnded", state: "succeeded" })));
				for (const message of batch) message.ack();
				settled += ended.length;
			}
		};
		await lease();
		await settle();
		await reports.close();
		return steps / ((performance.now() - startedAt) / 1000);
	} finally {
		await agent.close();
		await removeStreams(manager);
		await connection.close();
	}
};

export const makeStreams = async (manager: JetStreamManager): Promise<void> => {
	const { journal, tasks, reports } = skeleton;
	await manager.streams.add({ name: journal, subjects: [journal], storage: StorageType.File });
	for (const name of [tasks, reports]) {
		const retention = RetentionPolicy.Workqueue;
		await manager.streams.add({ name, subjects: [name], storage: StorageType.Memory, retention });
		await manager.consumers.add(name, { durable_name: name, ack_policy: AckPolicy.Explicit, max_ack_pending: 20_000 });
	}
};

export const removeStreams = async (manager: JetStreamManager): Promise<void> => {
	for (const name of Object.values(skeleton)) await manager.streams.delete(name);
};
