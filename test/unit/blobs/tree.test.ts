import { once } from "node:events";
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { captureTree, materialiseTree, readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef, Manifest, ManifestEntry } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Digest } from "#shared/ids.ts";
import { manifestCodec } from "#shared/wire/codec.ts";
import { codeOf, tempDir } from "#test/support/data-plane.ts";

const opened = async (): Promise<{ dir: string; store: BlobStore }> => {
	const dir = await tempDir();
	return { dir, store: await openBlobStore(join(dir, "store")) };
};

const plant = async (root: string, files: Record<string, string>): Promise<string> => {
	for (const [path, text] of Object.entries(files)) {
		await mkdir(join(root, path, ".."), { recursive: true });
		await writeFile(join(root, path), text);
	}
	return root;
};

/** Path → content, or "→ target" of a link. */
const listing = async (root: string): Promise<Record<string, string>> => {
	const found: Record<string, string> = {};
	for (const item of await readdir(root, { withFileTypes: true, recursive: true })) {
		const full = join(item.parentPath, item.name);
		const path = full.slice(root.length + 1);
		if (item.isSymbolicLink()) found[path] = `→ ${await readlink(full)}`;
		else if (item.isFile()) found[path] = await readFile(full, "utf8");
	}
	return found;
};

describe("capture and materialise", () => {
	it("brings a folder back as it was", async () => {
		const { dir, store } = await opened();
		const root = await plant(join(dir, "in"), {
			"a.txt": "a",
			"deep/er/b.txt": "b",
			"deep/run.sh": "#!",
			"ü n.txt": "",
		});
		await chmod(join(root, "deep/run.sh"), 0o755);
		await symlink("../a.txt", join(root, "deep/up"));
		await symlink("./deep", join(root, "down"));
		const ref = await captureTree(store, root, "dataset", "agent-1");
		expect(ref).toMatchObject({ name: "dataset", sizeBytes: 4, fileCount: 6, holders: ["agent-1"] });
		await materialiseTree(store, ref, join(dir, "out"));
		expect(await listing(join(dir, "out"))).toEqual(await listing(root));
		expect((await lstat(join(dir, "out/deep/run.sh"))).mode & 0o111).toBe(0o111);
		expect((await lstat(join(dir, "out/a.txt"))).mode & 0o111).toBe(0);
	});

	it("puts a single file exactly at the target", async () => {
		const { dir, store } = await opened();
		await writeFile(join(dir, "model.onnx"), "weights");
		const ref = await captureTree(store, join(dir, "model.onnx"), "model", "agent-1");
		expect((await readManifest(store, ref.digest)).singleFile).toBe(true);
		await materialiseTree(store, ref, join(dir, "inputs/model"));
		expect(await readFile(join(dir, "inputs/model"), "utf8")).toBe("weights");
	});

	it("gives the same tree the same digest, in whatever order it was made", async () => {
		const { dir, store } = await opened();
		const files = { b: "2", "a/z": "1", "a-b": "3", "a.c/d": "4" };
		await plant(join(dir, "one"), files);
		await plant(join(dir, "two"), Object.fromEntries(Object.entries(files).reverse()));
		const [one, two] = [
			await captureTree(store, join(dir, "one"), "x", "h"),
			await captureTree(store, join(dir, "two"), "y", "i"),
		];
		expect(one.digest).toBe(two.digest);
	});

	it("makes good what a first try left half done", async () => {
		const { dir, store } = await opened();
		const root = await plant(join(dir, "in"), { "a/b": "right", c: "right" });
		await symlink("c", join(root, "l"));
		const ref = await captureTree(store, root, "x", "h");
		await plant(join(dir, "out"), { "a/b": "wr" });
		await materialiseTree(store, ref, join(dir, "out"));
		await materialiseTree(store, ref, join(dir, "out"));
		expect(await listing(join(dir, "out"))).toEqual({ "a/b": "right", c: "right", l: "→ c" });
	});

	it("writes through no link that lies in the target", async () => {
		const { dir, store } = await opened();
		const ref = await captureTree(store, await plant(join(dir, "in"), { "a/b": "bytes" }), "x", "h");
		await mkdir(join(dir, "victim"));
		await mkdir(join(dir, "out"));
		await symlink(join(dir, "victim"), join(dir, "out/a"));
		expect(await codeOf(() => materialiseTree(store, ref, join(dir, "out")))).toBe("RM_UNSAFE_PATH");
		expect(await readdir(join(dir, "victim"))).toEqual([]);
	});

	it("leaves out what is ignored", async () => {
		const { dir, store } = await opened();
		const root = await plant(join(dir, "in"), { "keep.ts": "", "node_modules/x/y": "", "a/skip.log": "" });
		const ref = await captureTree(store, root, "code", "cli", {
			ignore: (path, isDirectory) => (isDirectory ? path === "node_modules" : path.endsWith(".log")),
		});
		expect((await readManifest(store, ref.digest)).entries.map((entry) => entry.path)).toEqual(["keep.ts"]);
	});

	it.each(["/etc/passwd", "../outside", "a/../../outside", "b/.."])(
		"refuses a link to %s and names it",
		async (target) => {
			const { dir, store } = await opened();
			const root = await plant(join(dir, "in"), { "a/file": "" });
			await symlink(target, join(root, "sly"));
			await expect(captureTree(store, root, "x", "h")).rejects.toThrow(/sly is a symbolic link that leads outside/);
			expect(await codeOf(() => captureTree(store, root, "x", "h"))).toBe("RM_UNSAFE_PATH");
		},
	);

	it("refuses sockets, and trees beyond the limits", async () => {
		const { dir, store } = await opened();
		const root = await plant(join(dir, "in"), { a: "12345", b: "12345" });
		expect(await codeOf(() => captureTree(store, root, "x", "h", { maxFiles: 1 }))).toBe("RM_TOO_LARGE");
		expect(await codeOf(() => captureTree(store, root, "x", "h", { maxBytes: 9 }))).toBe("RM_TOO_LARGE");
		expect(await codeOf(() => captureTree(store, join(dir, "nothing"), "x", "h"))).toBe("RM_NOT_FOUND");
		const server = createServer().listen(join(root, "socket"));
		await once(server, "listening");
		onTestFinished(() => void server.close());
		expect(await codeOf(() => captureTree(store, root, "x", "h"))).toBe("RM_UNSAFE_PATH");
	});
});

describe("hostile manifests", () => {
	const storeManifest = async (store: BlobStore, manifest: Manifest): Promise<ArtifactRef> => {
		const { digest } = await store.write(Readable.from([manifestCodec.encode(manifest)]));
		return { name: "x", digest, sizeBytes: 0, fileCount: 0, holders: [] };
	};
	const file = (path: string, digest: string, sizeBytes = 4): ManifestEntry => ({
		path,
		digest: digest as Digest,
		sizeBytes,
		executable: false,
		linkTarget: "",
	});
	const link = (path: string, linkTarget: string): ManifestEntry => ({ ...file(path, "", 0), linkTarget });
	const evil = "sha256:".padEnd(71, "0");

	it.each<[string, ManifestEntry[]]>([
		["RM_UNSAFE_PATH", [file("../up", evil)]],
		["RM_UNSAFE_PATH", [file("/abs", evil)]],
		["RM_UNSAFE_PATH", [file("a/../../up", evil)]],
		["RM_UNSAFE_PATH", [file("a//b", evil)]],
		["RM_UNSAFE_PATH", [file("a/./b", evil)]],
		["RM_UNSAFE_PATH", [file("", evil)]],
		["RM_UNSAFE_PATH", [file("a\0b", evil)]],
		["RM_UNSAFE_PATH", [file("x".repeat(300), evil)]],
		["RM_UNSAFE_PATH", [file(`${"a/".repeat(200)}b`, evil)]],
		["RM_UNSAFE_PATH", [file("a", evil), file("a", evil)]],
		["RM_UNSAFE_PATH", [file("a", evil), file("a/b", evil)]],
		["RM_UNSAFE_PATH", [link("a", "b"), file("a/b", evil)]],
		["RM_UNSAFE_PATH", [link("a", "/etc")]],
		["RM_UNSAFE_PATH", [link("a", "..")]],
		["RM_UNSAFE_PATH", [link("d/a", "../..")]],
		["RM_UNSAFE_PATH", [link("d/b", "../c"), link("l", "d/b/../..")]],
		["RM_BAD_INPUT", [{ ...link("a", "b"), digest: evil as Digest }]],
		["RM_BAD_INPUT", [file("a", "")]],
		["RM_BAD_INPUT", [file("a", "sha256:../../x")]],
		["RM_BAD_INPUT", [file("a", evil, -1)]],
		["RM_BAD_INPUT", [file("a", evil, 1), file("b", evil, 2)]],
	])("%s: %j", async (code, entries) => {
		const { dir, store } = await opened();
		const ref = await storeManifest(store, { entries, singleFile: false });
		expect(await codeOf(() => materialiseTree(store, ref, join(dir, "out")))).toBe(code);
		expect(await readdir(dir)).toEqual(["store"]);
	});

	it("refuses one that is no single file, too many entries, and bytes that are none", async () => {
		const { store } = await opened();
		const two = await storeManifest(store, { entries: [file("a", evil), file("b", evil)], singleFile: true });
		expect(await codeOf(() => readManifest(store, two.digest))).toBe("RM_BAD_INPUT");
		const entries = Array.from({ length: 100_001 }, (_, index) => file(`f${index}`, evil));
		const many = await storeManifest(store, { entries, singleFile: false });
		expect(await codeOf(() => readManifest(store, many.digest))).toBe("RM_TOO_LARGE");
		const { digest } = await store.write(Readable.from([Buffer.from("no manifest at all")]));
		expect(await codeOf(() => readManifest(store, digest))).toBe("RM_BAD_INPUT");
	});

	it("never writes outside the target, whatever the manifest says", async () => {
		const { dir, store } = await opened();
		const { digest } = await store.write(Readable.from([Buffer.from("evil")]));
		const part = fc.oneof(
			{ weight: 8, arbitrary: fc.constantFrom("a", "b", "l", "a b", "~") },
			{ weight: 1, arbitrary: fc.constantFrom("..", ".", "", "\0") },
		);
		const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
		const entry = fc.oneof(
			path.map((at) => file(at, digest)),
			fc.tuple(path, fc.oneof(path, fc.constantFrom("/", "/tmp", "../../x"))).map(([at, to]) => link(at, to)),
		);
		await plant(join(dir, "beside"), { a: "mine", "l/a": "mine" });
		const outside = await listing(join(dir, "beside"));
		let taken = 0;
		await fc.assert(
			fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 5 }), fc.boolean(), async (entries, singleFile) => {
				const target = join(dir, "deep", "er", `out${taken}`);
				const ref = await storeManifest(store, { entries, singleFile });
				try {
					await materialiseTree(store, ref, target);
					taken++;
				} catch (error) {
					expect(error).toBeInstanceOf(RunmeshError);
				}
				expect(await listing(join(dir, "beside"))).toEqual(outside);
				expect((await readdir(dir)).filter((name) => !["beside", "store", "deep"].includes(name))).toEqual([]);
				const made = await readdir(join(dir, "deep", "er")).catch(() => []);
				expect(made.filter((name) => !/^out\d+$/.test(name))).toEqual([]);
			}),
			{ numRuns: 300 },
		);
		expect(taken).toBeGreaterThan(10);
	});
});
