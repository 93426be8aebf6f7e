import { appendFile, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Spool, type SpoolFiles } from "#agent/logs/spool.ts";
import { noise, tempDir } from "#test/support/data-plane.ts";

const MiB = 1024 * 1024;
const limit = 16 * MiB;

const filesIn = (dir: string): SpoolFiles => ({
	stdout: join(dir, "stdout"),
	stderr: join(dir, "stderr"),
	metrics: join(dir, "metrics"),
});

it("takes all that is written within the limit; files that are not there are empty", async () => {
	const files = filesIn(await tempDir());
	const spool = new Spool(files, limit);
	spool.scan(() => 0);
	expect(spool.kept("stdout")).toBe(0);
	await writeFile(files.stdout, "abcdef");
	spool.scan(() => 0);
	expect(spool.kept("stdout")).toBe(6);
	expect((await spool.read("stdout", 2, 3)).toString()).toBe("cde");
	expect(spool.dropped("stdout")).toBe(0);
});

it("cuts a flood, counts it, keeps the beginning and leaves room for the other stream", async () => {
	const files = filesIn(await tempDir());
	const spool = new Spool(files, limit);
	const flood = noise(3 * MiB);
	for (let written = 0; written < 60; written += 3) {
		await appendFile(files.stdout, flood);
		spool.scan(() => 0);
		expect((await stat(files.stdout)).size).toBeLessThanOrEqual(limit + 4 * MiB);
	}
	await appendFile(files.stderr, "Traceback");
	spool.scan(() => 0);
	expect(spool.kept("stdout")).toBe(15 * MiB);
	expect(spool.kept("stdout") + spool.dropped("stdout")).toBe(60 * MiB);
	expect((await spool.read("stdout", 3 * MiB, 100)).equals(flood.subarray(0, 100))).toBe(true);
	expect(spool.kept("stderr")).toBe(9);
	expect(spool.dropped("stderr")).toBe(0);
});

it("never keeps more than the limit of both together", async () => {
	const files = filesIn(await tempDir());
	const spool = new Spool(files, limit);
	for (let written = 0; written < 20; written++) {
		for (const file of [files.stdout, files.stderr]) await appendFile(file, Buffer.alloc(MiB));
		spool.scan(() => 0);
	}
	expect(spool.kept("stdout") + spool.kept("stderr")).toBe(limit);
	expect(spool.dropped("stdout") + spool.dropped("stderr")).toBe(40 * MiB - limit);
});

it("knows after a restart what was cut, so that later bytes are not taken for it", async () => {
	const files = filesIn(await tempDir());
	const first = new Spool(files, limit);
	await appendFile(files.stdout, Buffer.alloc(40 * MiB, "a"));
	first.scan(() => 0);
	await appendFile(files.stdout, Buffer.alloc(MiB, "b"));
	const second = new Spool(files, 10 * limit);
	second.scan(() => 0);
	expect(second.kept("stdout")).toBe(15 * MiB);
	expect(second.kept("stdout") + second.dropped("stdout")).toBe(41 * MiB);
});

it("ends a log whose file was taken away where reading failed", async () => {
	const files = filesIn(await tempDir());
	await writeFile(files.stdout, "0123456789");
	const spool = new Spool(files, limit);
	spool.scan(() => 0);
	await truncate(files.stdout, 4);
	expect((await spool.read("stdout", 0, 10)).toString()).toBe("0123");
	await unlink(files.stdout);
	expect(await spool.read("stdout", 4, 6)).toHaveLength(0);
	expect(spool.kept("stdout")).toBe(4);
	expect(spool.dropped("stdout")).toBe(6);
});

it("starts afresh when what it remembered can't be read", async () => {
	const files = filesIn(await tempDir());
	await writeFile(`${files.stdout}.limit`, '{"stdout":');
	await writeFile(files.stdout, "abc");
	const spool = new Spool(files, limit);
	spool.scan(() => 0);
	expect(spool.kept("stdout")).toBe(3);
});
