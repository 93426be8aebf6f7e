import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { appendFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createLogShipper, type LogShipper } from "#agent/logs/shipper.ts";
import type { SpoolFiles } from "#agent/logs/spool.ts";
import type { LogStreamName } from "#coordinator/logs/frame.ts";
import type { MetricPoint } from "#coordinator/logs/metrics.ts";
import { type LogStore, openLogStore } from "#coordinator/logs/store.ts";
import { startCoordinatorRpc } from "#coordinator/rpc/server.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
import { monotonicClock } from "#shared/clock.ts";
import { type Credentials, generateCredentials } from "#shared/credentials.ts";
import type { RunmeshError } from "#shared/errors.ts";
import { network, noise, tempDir } from "#test/support/data-plane.ts";

const credentials = generateCredentials();
const MiB = 1024 * 1024;

/** A coordinator that can be stopped and started again over the same folder, at the same address for the agent. */
class Coordinator {
	readonly points: MetricPoint[] = [];
	readonly dir: string;
	logs!: LogStore;
	address = "127.0.0.1:1";
	stop: () => Promise<void> = async () => undefined;

	private constructor(dir: string) {
		this.dir = dir;
	}

	static async started(): Promise<Coordinator> {
		const coordinator = new Coordinator(await tempDir());
		await coordinator.start();
		onTestFinished(() => coordinator.stop());
		return coordinator;
	}

	async start(): Promise<void> {
		const store = await openBlobStore(join(this.dir, "blobs"));
		const logs = openLogStore(join(this.dir, "logs"), { onMetrics: (_id, points) => this.points.push(...points) });
		const holderAddress = (): null => null;
		const rpc = await startCoordinatorRpc({ host: "127.0.0.1", port: 0, store, logs, credentials, holderAddress });
		this.logs = logs;
		this.address = rpc.address;
		this.stop = async () => {
			this.stop = async () => undefined;
			await rpc.close();
			logs.close();
		};
	}

	async bytes(attemptId: string, stream: LogStreamName, follow = false): Promise<Buffer> {
		const parts: Buffer[] = [];
		let next = 0;
		for await (const frame of this.logs.read(attemptId, { follow })) {
			if (frame.stream !== stream) continue;
			expect(frame.offset).toBe(next + frame.droppedBytes);
			next = frame.offset + frame.data.length;
			parts.push(frame.data);
		}
		return Buffer.concat(parts);
	}
}

const shipperTo = (
	address: string,
	more: { limitBytes?: number; as?: Credentials; onProblem?: (error: RunmeshError) => void } = {},
): LogShipper => {
	const { limitBytes = 256 * MiB, as = credentials, onProblem = () => undefined } = more;
	const shipper = createLogShipper({
		...{ address: () => address, onMissed: () => undefined },
		...{ credentials: as, limitBytes, clock: monotonicClock, onProblem },
	});
	onTestFinished(() => shipper.close());
	return shipper;
};

const spoolFiles = async (): Promise<SpoolFiles> => {
	const dir = await tempDir();
	return { stdout: join(dir, "stdout"), stderr: join(dir, "stderr"), metrics: join(dir, "metrics") };
};

/** A process as the runner starts one: it appends to the spool files. */
const startStep = (files: SpoolFiles, script: string): ChildProcess => {
	const [out, err] = [openSync(files.stdout, "a"), openSync(files.stderr, "a")];
	const env = { ...process.env, RUNMESH_METRICS: files.metrics };
	const step = spawn(process.execPath, ["-e", script], { stdio: ["ignore", out, err], env });
	closeSync(out);
	closeSync(err);
	onTestFinished(() => void step.kill("SIGKILL"));
	return step;
};

const exited = async (step: ChildProcess): Promise<void> => {
	if (step.exitCode === null) await once(step, "exit");
	expect(step.exitCode).toBe(0);
};

/** Random bytes on both streams, in writes of odd sizes, with pauses. */
const noisyStep = `
	const { randomBytes } = require("node:crypto");
	const { appendFileSync, writeSync } = require("node:fs");
	let left = 400;
	const turn = () => {
		writeSync(1, randomBytes(1 + Math.floor(Math.random() * 60000)));
		writeSync(2, randomBytes(1 + Math.floor(Math.random() * 3000)));
		appendFileSync(process.env.RUNMESH_METRICS, JSON.stringify({ name: "left", value: left, step: 400 - left }) + "\\n");
		if (--left > 0) setTimeout(turn, 2);
	};
	turn();
`;

const expectArrived = async (coordinator: Coordinator, attemptId: string, files: SpoolFiles): Promise<void> => {
	for (const stream of ["stdout", "stderr", "metrics"] as const) {
		expect((await coordinator.bytes(attemptId, stream)).equals(readFileSync(files[stream]))).toBe(true);
	}
};

describe("logs from a step to the coordinator", () => {
	it("brings every byte and every metric, and tells a follower when it is over", async () => {
		const coordinator = await Coordinator.started();
		const shipper = shipperTo(coordinator.address);
		const files = await spoolFiles();
		const log = shipper.track("r1.train.1", files);
		const following = coordinator.bytes("r1.train.1", "stdout", true);
		const step = startStep(files, noisyStep);
		await exited(step);
		const totals = await log.finish();
		expect((await following).equals(readFileSync(files.stdout))).toBe(true);
		await expectArrived(coordinator, "r1.train.1", files);
		expect(totals).toEqual({ logBytes: statSync(files.stdout).size + statSync(files.stderr).size, droppedBytes: 0 });
		expect(coordinator.points.map((point) => point.step)).toEqual(Array.from({ length: 400 }, (_, index) => index));
	});

	it("loses and doubles nothing when the coordinator restarts and the line is cut in the middle", async () => {
		const coordinator = await Coordinator.started();
		const line = await network(() => coordinator.address);
		const shipper = shipperTo(line.address);
		const files = await spoolFiles();
		const log = shipper.track("r1.train.1", files);
		const step = startStep(files, noisyStep);
		const reaches = async (size: number): Promise<void> => {
			let seen = 0;
			for await (const frame of coordinator.logs.read("r1.train.1", { follow: true })) {
				seen += frame.data.length;
				if (seen >= size) return;
			}
		};
		await reaches(MiB);
		line.cut();
		await reaches(2 * MiB);
		await coordinator.stop();
		line.cut();
		await coordinator.start();
		await reaches(3 * MiB);
		line.cut();
		await exited(step);
		await log.finish();
		await expectArrived(coordinator, "r1.train.1", files);
	});

	it("goes on where the coordinator stands when the agent restarts", async () => {
		const coordinator = await Coordinator.started();
		const files = await spoolFiles();
		const first = shipperTo(coordinator.address);
		first.track("r1.train.1", files);
		const step = startStep(files, noisyStep);
		for await (const _ of coordinator.logs.read("r1.train.1", { follow: true })) break;
		first.close();
		const second = shipperTo(coordinator.address);
		const log = second.track("r1.train.1", files);
		await exited(step);
		await log.finish();
		await expectArrived(coordinator, "r1.train.1", files);
		second.close();
		// Once more, after everything was acknowledged.
		await shipperTo(coordinator.address).track("r1.train.1", files).finish();
		await expectArrived(coordinator, "r1.train.1", files);
	});

	it("waits for a coordinator that is away, then delivers", async () => {
		const coordinator = await Coordinator.started();
		const line = await network(() => coordinator.address);
		line.setDown(true);
		const lost: RunmeshError[] = [];
		const twice = Promise.withResolvers<void>();
		const onProblem = (error: RunmeshError): void => {
			if (lost.push(error) === 2) twice.resolve();
		};
		const shipper = shipperTo(line.address, { onProblem });
		const files = await spoolFiles();
		const log = shipper.track("r1.train.1", files);
		await appendFile(files.stdout, "said while alone");
		const finished = log.finish();
		await twice.promise;
		expect(lost[0]).toMatchObject({ code: "RM_UNAVAILABLE" });
		line.setDown(false);
		expect(await finished).toEqual({ logBytes: 16, droppedBytes: 0 });
		expect((await coordinator.bytes("r1.train.1", "stdout", true)).toString()).toBe("said while alone");
	});

	it("is refused without the mesh's token, and says so", async () => {
		const coordinator = await Coordinator.started();
		const problem = Promise.withResolvers<RunmeshError>();
		const as = { ...credentials, meshToken: "guess" };
		const log = shipperTo(coordinator.address, { as, onProblem: problem.resolve }).track("r1.a.1", await spoolFiles());
		const finished = log.finish();
		expect(await problem.promise).toMatchObject({ code: "RM_UNAUTHENTICATED" });
		log.drop();
		await expect(finished).rejects.toMatchObject({ code: "RM_CONFLICT" });
	});

	it("bounds a flood on disk and in the log, and counts what it dropped", async () => {
		const coordinator = await Coordinator.started();
		const shipper = shipperTo(coordinator.address, { limitBytes: 16 * MiB });
		const files = await spoolFiles();
		const log = shipper.track("r1.flood.1", files);
		const total = 200 * MiB;
		const step = startStep(
			files,
			`const { writeSync } = require("node:fs");
			const block = Buffer.alloc(${MiB});
			let written = 0;
			const turn = () => {
				for (let at = 0; at < block.length; at += 8) block.writeDoubleLE(written + at, at);
				for (let at = 0; at < block.length; ) at += writeSync(1, block, at);
				written += block.length;
				if (written < ${total}) setImmediate(turn); else writeSync(2, "last words");
			};
			turn();`,
		);
		await exited(step);
		const totals = await log.finish();
		expect((await stat(files.stdout)).size).toBeLessThanOrEqual(20 * MiB);
		expect(totals.logBytes).toBe(15 * MiB + 10);
		expect(totals.droppedBytes).toBeGreaterThan(0);
		expect(totals.logBytes + totals.droppedBytes).toBeLessThanOrEqual(total + 10);
		const kept = await coordinator.bytes("r1.flood.1", "stdout");
		expect(kept).toHaveLength(15 * MiB);
		for (let at = 0; at < kept.length; at += 8) if (kept.readDoubleLE(at) !== at) expect.fail(`wrong bytes at ${at}`);
		expect((await coordinator.bytes("r1.flood.1", "stderr")).toString()).toBe("last words");
		const told: number[] = [];
		for await (const frame of coordinator.logs.read("r1.flood.1")) if (frame.end) told.push(frame.droppedBytes);
		expect(told.sort((a, b) => a - b)).toEqual([0, 0, totals.droppedBytes]);
	});

	it("does not let a flood hold up another's log", async () => {
		const coordinator = await Coordinator.started();
		const shipper = shipperTo(coordinator.address);
		const [flood, quiet] = [await spoolFiles(), await spoolFiles()];
		await appendFile(flood.stdout, noise(100 * MiB));
		await appendFile(quiet.stdout, "one line\n");
		const order: string[] = [];
		const flooding = shipper.track("r1.flood.1", flood).finish();
		for await (const _ of coordinator.logs.read("r1.flood.1", { follow: true })) break;
		const calm = shipper.track("r1.quiet.1", quiet).finish();
		await Promise.all([flooding.then(() => order.push("flood")), calm.then(() => order.push("quiet"))]);
		expect(order).toEqual(["quiet", "flood"]);
		expect((await coordinator.bytes("r1.flood.1", "stdout")).equals(readFileSync(flood.stdout))).toBe(true);
	});

	it("ships a thousand short steps, and one whose files never came to be", async () => {
		const coordinator = await Coordinator.started();
		const shipper = shipperTo(coordinator.address);
		const dir = await tempDir();
		const steps = Array.from({ length: 1000 }, async (_, index) => {
			const own = join(dir, String(index));
			await mkdir(own);
			const files = { stdout: join(own, "out"), stderr: join(own, "err"), metrics: join(own, "metrics") };
			if (index > 0) await appendFile(files.stdout, `step ${index}\n`);
			return shipper.track(`r1.s.${index}`, files).finish();
		});
		await Promise.all(steps);
		for (const index of [1, 500, 999]) {
			expect((await coordinator.bytes(`r1.s.${index}`, "stdout", true)).toString()).toBe(`step ${index}\n`);
		}
		expect(await coordinator.bytes("r1.s.0", "stdout", true)).toHaveLength(0);
	});

	it("prints how long a line takes to a reader, and how many a second", async () => {
		const coordinator = await Coordinator.started();
		const shipper = shipperTo(coordinator.address);
		const files = await spoolFiles();
		const log = shipper.track("r1.tail.1", files);
		const step = startStep(
			files,
			`let left = 200;
			const { writeSync } = require("node:fs");
			const turn = () => { writeSync(1, Date.now() + "\\n"); if (--left > 0) setTimeout(turn, 5); };
			turn();`,
		);
		const delays: number[] = [];
		const tail = async (): Promise<void> => {
			for await (const { stream, data } of coordinator.logs.read("r1.tail.1", { follow: true })) {
				if (stream !== "stdout") continue;
				for (const line of data.toString().trimEnd().split("\n")) if (line) delays.push(Date.now() - Number(line));
			}
		};
		const tailing = tail();
		await exited(step);
		await log.finish();
		await tailing;
		expect(delays).toHaveLength(200);
		delays.sort((a, b) => a - b);

		const line = `${"x".repeat(99)}\n`;
		const lines = 300_000;
		const many = await spoolFiles();
		const from = performance.now();
		const counted = shipper.track("r1.many.1", many);
		await appendFile(many.stdout, line.repeat(lines));
		await counted.finish();
		const perSecond = Math.round(lines / ((performance.now() - from) / 1000));
		process.stdout.write(`tail p50 ${delays[100]} ms, p99 ${delays[197]} ms; ${perSecond} lines/s of 100 bytes\n`);
	});
});
