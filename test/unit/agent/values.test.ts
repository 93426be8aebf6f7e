/** What a small output says: JSON as such, else text; and what can't be a value says why. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkTotal, readValue } from "#agent/runner/outcome/values.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { tempDir } from "#test/support/data-plane.ts";

const opened = async (): Promise<{ dir: string; store: BlobStore }> => {
	const dir = await tempDir();
	return { dir, store: await openBlobStore(join(dir, "store")) };
};

const said = async (bytes: string | Uint8Array): Promise<string> => {
	const { dir, store } = await opened();
	await writeFile(join(dir, "out"), bytes);
	return readValue(store, await captureTree(store, join(dir, "out"), "out", "agent-1"), "out");
};

describe("a value", () => {
	it.for([
		["[1, 2,\n3]\n", "[1,2,3]"],
		['{"b": 1, "a": {"d": null, "c": true}}', '{"a":{"c":true,"d":null},"b":1}'],
		["0.90\n", "0.9"],
		["true\n", "true"],
		['"quoted"', '"quoted"'],
		["no\n", '"no"'],
		["two\nlines\n\n", '"two\\nlines\\n"'],
		["windows\r\n", '"windows"'],
		["", '""'],
		["\n", '""'],
		["NaN", '"NaN"'],
		["{broken", '"{broken"'],
		["\ufeff[1]", "[1]"],
		["grüße 🚀\n", '"grüße 🚀"'],
		['{"__proto__": {"a": 1}}', '{"__proto__":{"a":1}}'],
	] as const)("of %j is %s", async ([text, value]) => {
		expect(await said(text)).toBe(value);
	});

	it("that would be another number stays text", async () => {
		expect(await said("12345678901234567890\n")).toBe('"12345678901234567890"');
		expect(await said("12e4567\n")).toBe('"12e4567"');
		expect(await said("9007199254740992")).toBe("9007199254740992");
	});

	it("is whatever JSON was written", async () => {
		const { dir, store } = await opened();
		await fc.assert(
			fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
				await writeFile(join(dir, "out"), JSON.stringify(value, null, 1));
				const ref = await captureTree(store, join(dir, "out"), "out", "agent-1");
				expect(JSON.parse(await readValue(store, ref, "out"))).toEqual(JSON.parse(JSON.stringify(value)));
			}),
			{ numRuns: 15 },
		);
	});
});

describe("no value", () => {
	const refusal = { failureCause: "output" };

	it("is a folder, though it hold one file", async () => {
		const { dir, store } = await opened();
		await mkdir(join(dir, "out"));
		await writeFile(join(dir, "out", "only"), "1");
		const ref = await captureTree(store, join(dir, "out"), "out", "agent-1");
		const reading = readValue(store, ref, "out");
		await expect(reading).rejects.toMatchObject(refusal);
		await expect(reading).rejects.toThrow(
			'output "out" is read as a value, but $RUNMESH_OUTPUTS/out is a folder; write the value to one file',
		);
	});

	it("is more than 64 KiB", async () => {
		expect((await said("x".repeat(65_536))).length).toBe(65_538);
		await expect(said("x".repeat(65_537))).rejects.toMatchObject(refusal);
		await expect(said("x".repeat(65_537))).rejects.toThrow("holds 65537 bytes, 65536 (64 KiB) are allowed");
	});

	it.for([
		["Latin-1", Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x65])],
		["a cut character", Buffer.from([0xf0, 0x9f, 0x9a])],
		["a NUL", Buffer.from("a\0b")],
	] as const)("is %s", async ([, bytes]) => {
		await expect(said(bytes)).rejects.toMatchObject(refusal);
		await expect(said(bytes)).rejects.toThrow("holds bytes that are no UTF-8 text");
	});

	it("is JSON nested beyond measure", async () => {
		expect(await said(`${"[".repeat(64)}${"]".repeat(64)}`)).toHaveLength(128);
		await expect(said(`${"[".repeat(30_000)}${"]".repeat(30_000)}`)).rejects.toThrow("nested more than 64 deep");
	});

	it("is JSON with a number that would become another", async () => {
		await expect(said('{"id": [1, 12345678901234567890]}')).rejects.toThrow("holds the number 12345678901234567890,");
		await expect(said("[1e999]")).rejects.toMatchObject(refusal);
	});

	it("are many large ones together: they would not fit a report", () => {
		const ref = (valueJson: string): ArtifactRef => ({ valueJson }) as ArtifactRef;
		const quarter = "x".repeat(65_536);
		expect(() => checkTotal([ref(quarter), ref(quarter), ref(quarter), ref(quarter)])).not.toThrow();
		expect(() => checkTotal([ref(quarter), ref(quarter), ref(quarter), ref(quarter), ref("1")])).toThrow(
			"262145 bytes of JSON together, 262144 (256 KiB) are allowed",
		);
	});
});
