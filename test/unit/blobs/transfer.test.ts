import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { type BlobSource, fetchArtifact, fetchBlob } from "#shared/blobs/transfer.ts";
import { captureTree, materialiseTree } from "#shared/blobs/tree.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import { codeOf, memorySource, noise, tempDir } from "#test/support/data-plane.ts";

const bytes = noise(10_500);
const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
const request = { digest, sizeBytes: bytes.length, maxBytes: bytes.length };

const newStore = async (): Promise<BlobStore> => openBlobStore(await tempDir());

const breakAt =
	(limit: number) =>
	(frame: Buffer, given: number): Buffer => {
		if (given >= limit) throw new Error("cable pulled");
		return frame;
	};
const garble = (frame: Buffer): Buffer => Buffer.from(frame.map((byte) => byte ^ 1));

const expectStored = async (store: BlobStore): Promise<void> => {
	expect((await buffer(store.read(digest))).equals(bytes)).toBe(true);
};

describe("fetching a blob", () => {
	it("goes on at another source where the first broke off", async () => {
		const store = await newStore();
		const [first, second] = [memorySource("first", bytes, breakAt(4000)), memorySource("second", bytes)];
		await fetchBlob(store, request, [first, second]);
		await expectStored(store);
		expect(second.offsets).toEqual([4000]);
	});

	it("goes on at the same source when it is the only one", async () => {
		const store = await newStore();
		let broken = false;
		const only = memorySource("only", bytes, (frame, given) => {
			if (given < 6000 || broken) return frame;
			broken = true;
			throw new Error("cable pulled");
		});
		await fetchBlob(store, request, [only]);
		await expectStored(store);
		expect(only.offsets).toEqual([0, 6000]);
	});

	it("finds out who lied, alone or in company, and takes it from another", async () => {
		const liar = memorySource("liar", bytes, garble);
		const halfLiar = memorySource("half liar", bytes, (frame, given) => garble(breakAt(3000)(frame, given)));
		const endless: BlobSource = {
			name: "endless",
			async *read() {
				for (;;) yield noise(1000);
			},
		};
		const short = memorySource("short", bytes.subarray(0, 2000));
		const store = await newStore();
		await fetchBlob(store, request, [liar, halfLiar, endless, short, memorySource("honest", bytes)]);
		await expectStored(store);
	});

	it("names every source and its error when all fail", async () => {
		const store = await newStore();
		const lacks: BlobSource = {
			name: "empty",
			// biome-ignore lint/correctness/useYield: it fails before it gives anything
			async *read() {
				throw new RunmeshError("RM_NOT_FOUND", "blob is not here");
			},
		};
		const failed = fetchBlob(store, request, [memorySource("liar", bytes, garble), lacks]);
		await expect(failed).rejects.toThrow(/liar: sent bytes that do not match.*empty: blob is not here/);
		await expect(failed).rejects.toMatchObject({ code: "RM_UNAVAILABLE" });
		expect(await codeOf(() => fetchBlob(store, request, []))).toBe("RM_UNAVAILABLE");
		expect(await store.sizeOf(digest)).toBeNull();
	});

	it("ends on a source that gives an empty blob for another", async () => {
		const store = await newStore();
		const empty = memorySource("empty", Buffer.alloc(0));
		expect(await codeOf(() => fetchBlob(store, { ...request, sizeBytes: null }, [empty]))).toBe("RM_UNAVAILABLE");
	});

	it("transfers once what several want at once", async () => {
		const store = await newStore();
		const source = memorySource("one", bytes);
		await Promise.all(Array.from({ length: 5 }, () => fetchBlob(store, request, [source])));
		expect(source.offsets).toEqual([0]);
	});

	it("stops when told to, and a waiting one goes on by itself", async () => {
		const store = await newStore();
		const stop = new AbortController();
		const source = memorySource("one", bytes, (frame, given) => {
			if (given === 5000) stop.abort(new Error("cancelled"));
			return frame;
		});
		const first = fetchBlob(store, { ...request, signal: stop.signal }, [source]);
		const second = fetchBlob(store, request, [source]);
		await expect(first).rejects.toThrow("cancelled");
		await second;
		await expectStored(store);
	});
});

it("fetches an artifact: its manifest and what is missing of it", async () => {
	const dir = await tempDir();
	const here = await openBlobStore(join(dir, "here"));
	const there = await openBlobStore(join(dir, "there"));
	await mkdir(join(dir, "tree/sub"), { recursive: true });
	for (let index = 0; index < 20; index++) await writeFile(join(dir, `tree/sub/${index}`), noise(index * 100, index));
	const ref = await captureTree(there, join(dir, "tree"), "data", "there");
	await here.writeFile(join(dir, "tree/sub/7"));
	const asked: Digest[] = [];
	const holders: unknown[] = [];
	const source: BlobSource = {
		name: "there",
		read: (wanted, offset, length, more) => {
			asked.push(wanted);
			holders.push(more?.holders);
			return there.read(wanted, offset, length);
		},
	};
	await fetchArtifact(here, ref, [source]);
	expect(asked).toHaveLength(20);
	expect(holders[0]).toEqual(["there"]);
	await materialiseTree(here, ref, join(dir, "out"));
	expect((await readFile(join(dir, "out/sub/19"))).equals(noise(1900, 19))).toBe(true);
	await fetchArtifact(here, ref, []);
});
