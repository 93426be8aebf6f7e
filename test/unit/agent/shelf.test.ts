import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openShelf } from "#agent/environments/shelf.ts";
import { openTrash } from "#agent/runner/files/trash.ts";
import { tempDir } from "#test/support/data-plane.ts";

const MIB = 1024 ** 2;

test("on a low disk as many environments go as are lacking, the longest unused first, and none that is in use", async () => {
	const dir = await tempDir();
	const root = join(dir, "environments");
	const nowS = Date.now() / 1000;
	for (const [index, key] of ["aa", "bb", "cc", "dd"].entries()) {
		const made = join(root, key, "made.json");
		mkdirSync(join(root, key), { recursive: true });
		writeFileSync(made, JSON.stringify({ what: "packages", sizeBytes: 10 * MIB }));
		utimesSync(made, nowS - 100 + index, nowS - 100 + index);
	}
	const trash = openTrash(join(dir, "trash"), () => undefined);
	const shelf = openShelf(root, 1_000 * MIB, trash);
	const isUsed = (key: string): boolean => key === "aa";
	expect(shelf.tidy(isUsed)).toBe(0);
	expect(shelf.tidy(isUsed, 15 * MIB)).toBe(20 * MIB);
	expect(readdirSync(root).sort()).toEqual(["aa", "dd"]);
	expect(shelf.tidy(isUsed, 100 * MIB)).toBe(10 * MIB);
	expect(readdirSync(root)).toEqual(["aa"]);
	trash.close();
});
