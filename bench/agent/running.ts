/** Fifty attempts that run: what each takes of memory, and how soon an agent that was killed has them again. */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "nats";
import type { MeshEvent } from "#cli/up/options.ts";
import { natsAuth } from "#shared/credentials.ts";
import { subjects } from "#shared/subjects.ts";
import { heartbeatCodec } from "#shared/wire/codec.ts";
import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { type BenchMesh, pidOf, settle, submit, withMesh } from "../harness.ts";
import { matrixPipeline } from "../matrix.ts";
import { residentMb } from "../process-cost.ts";

const ATTEMPTS = 50;

export const running: Part = {
	metrics: ["agent_mb_per_attempt", "supervisor_mb_per_attempt", "reattach_50_s"],
	measure: (context) => {
		const starts = startsOf("agent");
		return withMesh(context, { onEvent: starts.onEvent }, async (mesh) => {
			const beats = await heartbeats(mesh);
			const idleMs: number[] = [];
			const rounds = context.quick ? 1 : 3;
			for (let round = 0; round < rounds; round++) idleMs.push(await restartAgent(mesh, starts, beats, 0));
			await settle(context);
			const before = residentMb(pidOf(mesh, "agent"));
			const step = ["run: sleep 100000", "resources: {cpu: 10m, memory: 1Mi}"];
			const { id } = await submit(mesh.client, matrixPipeline(ATTEMPTS, step));
			await beats.running(ATTEMPTS, 0);
			await settle(context);
			const agent = (residentMb(pidOf(mesh, "agent")) - before) / ATTEMPTS;
			const supervisors = supervisorMb(mesh);
			const busyMs: number[] = [];
			for (let round = 0; round < rounds; round++) busyMs.push(await restartAgent(mesh, starts, beats, ATTEMPTS));
			await mesh.client.cancelRun(id);
			await beats.running(0, 0);
			beats.close();
			return [
				{ metric: "agent_mb_per_attempt", value: Math.max(0, agent), unit: "MB" },
				{ metric: "supervisor_mb_per_attempt", value: supervisors, unit: "MB" },
				{ metric: "reattach_50_s", value: median(busyMs) / 1000, unit: "s", reference: median(idleMs) / 1000 },
			];
		});
	},
};

interface Starts {
	onEvent(event: MeshEvent): void;
	/** When the process was started last. */
	lastMs(): number;
}

const startsOf = (name: string): Starts => {
	let lastMs = 0;
	return {
		onEvent: (event) => {
			if (event.kind === "started" && event.name === name) lastMs = performance.now();
		},
		lastMs: () => lastMs,
	};
};

interface Beats {
	/** Resolves with the time when an agent says that so many run; one that was started since then. */
	running(count: number, sinceMs: number): Promise<number>;
	close(): void;
}

const heartbeats = async ({ nats, credentials }: BenchMesh): Promise<Beats> => {
	const connection = await connect({ servers: nats, ...natsAuth(credentials) });
	const sessions = new Map<string, number>();
	let newest = { session: "", running: -1, atMs: 0 };
	connection.subscribe(subjects.heartbeats, {
		callback: (_error, message) => {
			const { sessionId, attempts } = heartbeatCodec.decode(message.data);
			const atMs = performance.now();
			if (!sessions.has(sessionId)) sessions.set(sessionId, atMs);
			newest = { session: sessionId, running: attempts.filter(({ phase }) => phase === "running").length, atMs };
		},
	});
	return {
		running: async (count, sinceMs) => {
			for (;;) {
				const firstMs = sessions.get(newest.session) ?? 0;
				if (newest.running === count && firstMs >= sinceMs && newest.atMs >= sinceMs) return newest.atMs;
				await sleep(1);
			}
		},
		close: () => void connection.close(),
	};
};

/** Milliseconds from the new process's start to its word that so many run. */
const restartAgent = async (mesh: BenchMesh, starts: Starts, beats: Beats, count: number): Promise<number> => {
	const killedMs = performance.now();
	process.kill(pidOf(mesh, "agent"), "SIGKILL");
	const heardMs = await beats.running(count, killedMs);
	return heardMs - starts.lastMs();
};

/** The shells that wait for the attempts' ends; what they share with each other is counted once. */
const supervisorMb = (mesh: BenchMesh): number => {
	const agent = pidOf(mesh, "agent");
	const children = readFileSync(`/proc/${agent}/task/${agent}/children`, "utf8").trim().split(" ").filter(Boolean);
	const kib = children
		.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("supervise.sh"))
		.map((pid) => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0));
	return kib.reduce((sum, each) => sum + each, 0) / 1024 / ATTEMPTS;
};
