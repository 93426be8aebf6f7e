import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import type { Digest } from "#shared/ids.ts";
import { codeOf, noise, tempDir } from "#test/support/data-plane.ts";

const digestOf = (bytes: Buffer): Digest => `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;

async function* inPieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const pathIn = (dir: string, digest: Digest): string => join(dir, "sha256", digest.slice(7, 9), digest.slice(7));

const opened = async (): Promise<{ dir: string; store: BlobStore }> => {
	const dir = await tempDir();
	return { dir, store: await openBlobStore(dir) };
};

describe("blob store", () => {
	it("gives back what was written, whole or in part, read-only on the disk", async () => {
		const { dir, store } = await opened();
		const bytes = noise(1_300_000);
		const blob = await store.write(inPieces(bytes, 70_001));
		expect(blob).toEqual({ digest: digestOf(bytes), sizeBytes: bytes.length });
		expect(await store.sizeOf(blob.digest)).toBe(bytes.length);
		expect((await stat(pathIn(dir, blob.digest))).mode & 0o777).toBe(0o444);
		expect((await buffer(store.read(blob.digest))).equals(bytes)).toBe(true);
		expect((await buffer(store.read(blob.digest, 600_000, 700))).equals(bytes.subarray(600_000, 600_700))).toBe(true);
		expect((await buffer(store.read(blob.digest, 1_299_999))).equals(bytes.subarray(1_299_999))).toBe(true);
		expect(await buffer(store.read(blob.digest, bytes.length))).toHaveLength(0);
	});

	it("refuses other bytes than expected, and too many, and leaves nothing of them", async () => {
		const { dir, store } = await opened();
		const bytes = noise(5000);
		expect(await codeOf(() => store.write(inPieces(bytes), digestOf(noise(5000, 2))))).toBe("RM_BLOB_CORRUPT");
		expect(await codeOf(() => store.write(inPieces(bytes), digestOf(bytes), 4999))).toBe("RM_TOO_LARGE");
		const broken = async function* (): AsyncGenerator<Buffer> {
			yield bytes;
			throw new Error("the line went dead");
		};
		await expect(store.write(broken())).rejects.toThrow("the line went dead");
		expect(await store.sizeOf(digestOf(bytes))).toBeNull();
		expect(await readdir(join(dir, "staging"))).toEqual([]);
		expect(await readdir(join(dir, "sha256"))).toEqual([]);
	});

	it("takes the same bytes many times at once", async () => {
		const { store } = await opened();
		const bytes = noise(20_000);
		const blobs = await Promise.all(Array.from({ length: 8 }, () => store.write(inPieces(bytes))));
		expect(new Set(blobs.map((blob) => blob.digest)).size).toBe(1);
		expect((await buffer(store.read(digestOf(bytes)))).equals(bytes)).toBe(true);
	});

	it("clears away what a crash left staged, and keeps the blobs", async () => {
		const { dir, store } = await opened();
		const { digest } = await store.write(inPieces(noise(10)));
		await writeFile(join(dir, "staging", "half"), "half a blob");
		const again = await openBlobStore(dir);
		expect(await readdir(join(dir, "staging"))).toEqual([]);
		expect(await again.sizeOf(digest)).toBe(10);
	});

	it("copies files in and out, with or without the executable bit", async () => {
		const { dir, store } = await opened();
		const bytes = noise(700_000);
		await writeFile(join(dir, "in"), bytes);
		const { digest } = await store.writeFile(join(dir, "in"));
		await store.placeAt(digest, join(dir, "out"), false);
		await store.placeAt(digest, join(dir, "out.sh"), true);
		expect((await readFile(join(dir, "out"))).equals(bytes)).toBe(true);
		expect((await stat(join(dir, "out"))).mode & 0o777).toBe(0o644);
		expect((await stat(join(dir, "out.sh"))).mode & 0o777).toBe(0o755);
	});

	it("replaces a link at the target and does not write through it", async () => {
		const { dir, store } = await opened();
		const { digest } = await store.write(inPieces(Buffer.from("new")));
		await writeFile(join(dir, "elsewhere"), "mine");
		await symlink(join(dir, "elsewhere"), join(dir, "target"));
		await store.placeAt(digest, join(dir, "target"), false);
		expect(await readFile(join(dir, "elsewhere"), "utf8")).toBe("mine");
		expect(await readFile(join(dir, "target"), "utf8")).toBe("new");
	});

	it("sets a damaged blob aside and places nothing; the right bytes heal it", async () => {
		const { dir, store } = await opened();
		const bytes = noise(3000);
		const { digest } = await store.write(inPieces(bytes));
		await chmod(pathIn(dir, digest), 0o644);
		await writeFile(pathIn(dir, digest), noise(3000, 9));
		expect(await codeOf(() => store.placeAt(digest, join(dir, "out"), false))).toBe("RM_BLOB_CORRUPT");
		expect(await readdir(join(dir, "corrupt"))).toEqual([digest.slice(7)]);
		expect(await readdir(dir)).not.toContain("out");
		expect(await store.sizeOf(digest)).toBeNull();
		await store.write(inPieces(bytes), digest);
		await store.placeAt(digest, join(dir, "out"), false);
		expect((await readFile(join(dir, "out"))).equals(bytes)).toBe(true);
	});

	it("says what is not there, and refuses what is no digest", async () => {
		const { dir, store } = await opened();
		const absent = digestOf(noise(1));
		expect(await codeOf(() => buffer(store.read(absent)))).toBe("RM_NOT_FOUND");
		expect(await codeOf(() => store.placeAt(absent, join(dir, "x"), false))).toBe("RM_NOT_FOUND");
		await mkdir(join(dir, "secret"));
		expect(await codeOf(() => store.sizeOf("sha256:../../secret" as Digest))).toBe("RM_BAD_INPUT");
	});
});
