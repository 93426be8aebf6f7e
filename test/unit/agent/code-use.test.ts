/** What counts as a read of the code, and when there is no answer. */

import {
	appendFileSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readsShowIn } from "#agent/runner/setup/access-times.ts";
import { markCode } from "#agent/runner/setup/code-use.ts";
import { codeUseKey } from "#shared/blobs/code-use.ts";
import { tempDir } from "#test/support/data-plane.ts";
import { readsShow, watchCode } from "#test/support/watched-code.ts";

const code = { "train.mjs": "1", "README.md": "2", "lib/a.mjs": "3", "lib/deep/b.mjs": "4", "data/x.csv": "5" };

describe.skipIf(!readsShow)("an attempt's use of its code", () => {
	it("is its working folder when it reads nothing", async () => {
		const watched = await watchCode(code);
		expect((await watched.use())?.paths).toEqual(["./"]);
		expect((await watched.use("lib/deep"))?.paths).toEqual(["lib/deep/"]);
		expect((await watched.use("./lib/"))?.paths).toEqual(["lib/"]);
		expect(await watched.use("nowhere")).toBe(null);
	});

	it("is what it read and listed, with the key of the tree it was given", async () => {
		const { paths, use, manifest } = await watchCode(code);
		readFileSync(join(paths.work, "lib/a.mjs"));
		readdirSync(join(paths.work, "data"));
		const found = await use();
		expect(found?.paths).toEqual(["./", "data/", "lib/a.mjs"]);
		expect(found?.key).toBe(codeUseKey(manifest, found?.paths ?? []));
		expect(await use()).toEqual(found);
	});

	it.for<[string, (work: string) => void]>([
		["written to", (work) => appendFileSync(`${work}/train.mjs`, "x")],
		["replaced", (work) => writeFileSync(`${work}/new`, "") === renameSync(`${work}/new`, `${work}/train.mjs`)],
		["removed", (work) => rmSync(`${work}/train.mjs`)],
		["moved away", (work) => renameSync(`${work}/train.mjs`, `${work}/../elsewhere`)],
		["given another name too", (work) => linkSync(`${work}/train.mjs`, `${work}/../elsewhere`)],
		[
			"read and given its old times again",
			(work) => {
				const { atime, mtime } = statSync(`${work}/train.mjs`);
				readFileSync(`${work}/train.mjs`);
				utimesSync(`${work}/train.mjs`, atime, mtime);
			},
		],
	])("holds a file that was %s", async ([, act]) => {
		const { paths, use } = await watchCode(code);
		// The clock of the file system moves by ticks.
		const markedMs = statSync(paths.codeMarks).ctimeMs;
		for (const probe = `${paths.folder}/tick`; ; ) {
			writeFileSync(probe, "");
			if (statSync(probe).ctimeMs > markedMs + 20) break;
		}
		act(paths.work);
		expect((await use())?.paths).toEqual(["./", "train.mjs"]);
	});

	it("does not hold what was only looked at", async () => {
		const { paths, use } = await watchCode(code);
		statSync(`${paths.work}/lib/a.mjs`);
		mkdirSync(`${paths.work}/data/made`);
		writeFileSync(`${paths.work}/data/made/x`, "");
		expect((await use())?.paths).toEqual(["./"]);
	});

	it("holds a link that was followed, and what it points to", async () => {
		const { paths, use } = await watchCode({ ...code, now: "→ soon", soon: "→ ./lib/a.mjs", dir: "→ lib" });
		readFileSync(`${paths.work}/now`);
		expect((await use())?.paths).toEqual(["./", "lib/a.mjs", "now", "soon"]);
		readFileSync(`${paths.work}/dir/deep/b.mjs`);
		expect((await use())?.paths).toEqual(["./", "dir", "lib/a.mjs", "lib/deep/b.mjs", "now", "soon"]);
	});

	it("can't be told of a link that leads to nothing", async () => {
		const { paths, use } = await watchCode({ ...code, gone: "→ lib/none" });
		expect((await use())?.paths).toEqual(["./"]);
		expect(() => readFileSync(`${paths.work}/gone`)).toThrow("ENOENT");
		expect(await use()).toBe(null);
	});

	it("can't be told without marks, after a restart of the machine, or when the code is gone", async () => {
		const { paths, use } = await watchCode(code);
		const marks = readFileSync(paths.codeMarks, "utf8");
		writeFileSync(paths.codeMarks, marks.replace(/"boot":"[^"]*"/, '"boot":"earlier"'));
		expect(await use()).toBe(null);
		writeFileSync(paths.codeMarks, marks.slice(0, 9));
		expect(await use()).toBe(null);
		rmSync(paths.codeMarks);
		expect(await use()).toBe(null);
		writeFileSync(paths.codeMarks, marks);
		expect(await use()).not.toBe(null);
		rmSync(paths.work, { recursive: true });
		expect(await use()).toBe(null);
	});

	it("can't be told when a folder was put in the place of another", async () => {
		const { paths, use } = await watchCode(code);
		renameSync(`${paths.work}/data`, `${paths.folder}/data`);
		expect((await use())?.paths).toEqual(["./", "data/", "data/x.csv"]);
		symlinkSync(`${paths.folder}/data`, `${paths.work}/data`);
		expect(await use()).toBe(null);
	});

	it("of more than 2,000 files is all of it", async () => {
		const many = Object.fromEntries(Array.from({ length: 2_100 }, (_, n) => [`f${n}`, String(n)]));
		const { paths, use, manifest } = await watchCode(many);
		for (let n = 0; n < 1_999; n++) readFileSync(`${paths.work}/f${n}`);
		expect((await use())?.paths).toHaveLength(2_000);
		readFileSync(`${paths.work}/f1999`);
		expect(await use()).toBe(null);
		await markCode(paths, manifest);
		expect((await use())?.paths).toEqual(["./"]);
	});

	it("with paths of more than 128 KiB is all of it", async () => {
		const long = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`${"n".repeat(240)}${n}`, String(n)]));
		const { paths, use } = await watchCode(long);
		for (const name of Object.keys(long)) readFileSync(`${paths.work}/${name}`);
		expect(await use()).toBe(null);
	});

	it("tells whether the parameters were read", async () => {
		const { paths, run, use } = await watchCode(code);
		expect((await use())?.readsParams).toBe(readsShow ? false : undefined);
		await run("cat", [paths.params]);
		expect((await use())?.readsParams).toBe(readsShow ? true : undefined);
	});

	it("marks keep the content's times recent", async () => {
		const { paths } = await watchCode(code);
		const { mtimeMs, atimeMs } = lstatSync(`${paths.work}/train.mjs`);
		expect(atimeMs).toBeLessThan(mtimeMs - 24 * 3_600_000);
		expect(Date.now() - mtimeMs).toBeLessThan(600_000);
	});
});

it("reads are tried out once, leave nothing behind, and don't show where no file can be made", async () => {
	const dir = await tempDir();
	const shows = readsShowIn(dir);
	expect(await shows()).toBe(readsShow);
	expect(readdirSync(dir)).toEqual([]);
	rmSync(dir, { recursive: true });
	expect(await shows()).toBe(readsShow);
	expect(await readsShowIn(dir)()).toBe(false);
	expect(await readsShowIn("/proc")()).toBe(false);
});
