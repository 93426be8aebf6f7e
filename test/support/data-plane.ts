/** For tests of blobs and logs: folders that go away, a network to cut, sources that misbehave. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { BlobSource } from "#shared/blobs/transfer.ts";
import { type ErrorCode, RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import { seededRandom } from "#shared/random.ts";

/** Removed when the test ends. */
export const tempDir = async (): Promise<string> => {
	const dir = await mkdtemp(join(tmpdir(), "runmesh-data-"));
	onTestFinished(() => rm(dir, { recursive: true, force: true }));
	return dir;
};

/** The same bytes for the same seed; all values occur. */
export const noise = (length: number, seed = 1): Buffer => {
	const random = seededRandom(seed);
	const bytes = Buffer.alloc(length);
	for (let at = 0; at < length; at++) bytes[at] = random.below(256);
	return bytes;
};

export interface Network {
	address: string;
	/** Bytes that came from the server so far, over all connections. */
	received(): number;
	/** Destroys every connection there is. */
	cut(): void;
	/** Cuts by itself, each time when so many bytes have come from the server. */
	cutAt(...totals: number[]): void;
	/** Connections are refused while down. */
	setDown(down: boolean): void;
}

/** A TCP proxy before `target`, which may be given later and may change: a server that starts again elsewhere. */
export const network = async (target: () => string): Promise<Network> => {
	const sockets = new Set<Socket>();
	let received = 0;
	let cuts: number[] = [];
	let down = false;
	const cut = (): void => {
		for (const socket of sockets) socket.destroy();
	};
	const keep = (socket: Socket): Socket => {
		sockets.add(socket);
		return socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
	};
	const server = createServer((near) => {
		keep(near);
		if (down) return near.destroy();
		const [host, port] = target().split(":");
		const far = keep(connect(Number(port), host as string));
		near.pipe(far);
		far.pipe(near);
		near.on("close", () => far.destroy());
		far.on("close", () => near.destroy());
		far.on("data", (bytes) => {
			received += bytes.length;
			const due = cuts.filter((total) => received >= total);
			if (due.length === 0) return;
			cuts = cuts.filter((total) => received < total);
			cut();
		});
		return undefined;
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onTestFinished(() => {
		cut();
		server.close();
	});
	return {
		address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
		received: () => received,
		cut,
		cutAt: (...totals) => {
			cuts = totals;
		},
		setDown: (value) => {
			down = value;
			if (down) cut();
		},
	};
};

/** Serves `bytes` in frames of 1000; `misbehave` sees how many this source has given and may throw or change a frame. */
export const memorySource = (
	name: string,
	bytes: Buffer,
	misbehave: (frame: Buffer, given: number) => Buffer = (frame) => frame,
): BlobSource & { offsets: number[] } => {
	const offsets: number[] = [];
	let given = 0;
	return {
		name,
		offsets,
		async *read(_digest, offset) {
			offsets.push(offset);
			for (let at = offset; at < bytes.length; at += 1000) {
				const frame = misbehave(bytes.subarray(at, at + 1000), given);
				given += frame.length;
				yield frame;
			}
		},
	};
};

/** The code with which it fails; the test fails when it does not. */
export const codeOf = async (work: () => unknown): Promise<ErrorCode> => {
	try {
		await work();
	} catch (error) {
		if (error instanceof RunmeshError) return error.code;
		throw error;
	}
	throw new Error("it should have failed");
};

export const digestOf = (bytes: Buffer): Digest =>
	`sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
