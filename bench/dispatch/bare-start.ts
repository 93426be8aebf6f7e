/**
 * The reference for a step's start: what can't be left out. One synced journal message and its acknowledgement, one
 * task through a stream to its consumer, and the command's process, started by Node at once.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import type { RunningMesh } from "#cli/up/up.ts";
import { natsAuth } from "#shared/credentials.ts";
import { makeStreams, removeStreams } from "./skeleton.ts";
import { skeleton } from "./skeleton-names.ts";

/** About as large as a small batch of events, or a task. */
const MESSAGE = new Uint8Array(300);
const PAUSE_MS = 5;

/** Milliseconds, each from the decision to the command's first instruction. */
export const bareStarts = async (mesh: RunningMesh, rounds: number): Promise<number[]> => {
	const connection = await connect({ servers: mesh.nats, ...natsAuth(mesh.credentials) });
	const manager = await connection.jetstreamManager();
	await makeStreams(manager);
	try {
		const client = connection.jetstream();
		let onTask = (): void => undefined;
		const consumer = await client.consumers.get(skeleton.tasks, skeleton.tasks);
		const tasks = await consumer.consume({
			callback: (message) => {
				message.ack();
				onTask();
			},
		});
		const samples: number[] = [];
		for (let round = 0; round < rounds; round++) {
			const decidedAtMs = performance.timeOrigin + performance.now();
			await client.publish(skeleton.journal, MESSAGE);
			const taken = new Promise<void>((resolve) => {
				onTask = resolve;
			});
			connection.publish(skeleton.tasks, MESSAGE);
			await taken;
			samples.push((await stampOfChild()) - decidedAtMs);
			await sleep(PAUSE_MS);
		}
		await tasks.close();
		return samples;
	} finally {
		await removeStreams(manager);
		await connection.close();
	}
};

/** Milliseconds: when bash, started by Node, came to its first instruction. */
export const stampOfChild = async (): Promise<number> => {
	const child = spawn("bash", ["-c", "echo $EPOCHREALTIME"], {
		env: { ...process.env, LC_ALL: "C" },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [stamp] = await Promise.all([text(child.stdout), once(child, "exit")]);
	return Number(stamp) * 1000;
};
