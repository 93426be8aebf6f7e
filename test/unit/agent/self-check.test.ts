/** An agent whose host can't run anything takes nothing, and says what to do. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Check, checkClock, checkFolder, checkTemp, hostChecks } from "#agent/self-check/checks.ts";
import { checkRegularly } from "#agent/self-check/self-check.ts";
import { tempDir } from "#test/support/data-plane.ts";

const resultsOf = async (checks: readonly Check[]): Promise<string[]> => {
	const results: string[] = [];
	const check = checkRegularly(checks, (reason) => results.push(reason));
	await check.done;
	check.close();
	return results;
};

test("a host that works has nothing to say", async () => {
	const folder = await tempDir();
	expect(await resultsOf(hostChecks(folder))).toEqual([]);
	expect(readFileSync(join(folder, "self-check"), "utf8")).toBe("written\n");
});

test("each check that fails says what to do, and all of them together", async () => {
	const folder = await tempDir();
	const broken = join(folder, "broken");
	writeFileSync(broken, "");
	await expect(checkFolder(join(folder, "gone"))).rejects.toThrow(/gone can't be written: it is not there; make it/);
	await expect(checkFolder(broken)).rejects.toThrow(/can't be written: ENOTDIR/);
	await expect(checkTemp(join(folder, "gone"))).rejects.toThrow(
		/can't be used: it is not there; make it; or set TMPDIR/,
	);
	expect(() => checkClock(0)).toThrow(/the clock says 1970-01-01/);
	expect(() => checkClock(Date.now())).not.toThrow();
	const failing = (name: string): Check => ({ name, check: () => Promise.reject(new Error(`${name} is broken`)) });
	expect(await resultsOf([failing("disk"), failing("shell")])).toEqual(["disk is broken; shell is broken"]);
});

test("what is mended is looked at again soon", async () => {
	const folder = await tempDir();
	const place = join(folder, "place");
	const results: string[] = [];
	const mended = Promise.withResolvers<void>();
	const check = checkRegularly(
		[{ name: "folder", check: () => checkFolder(place) }],
		(reason) => {
			results.push(reason);
			if (reason === "") mended.resolve();
		},
		{ againMs: 5 },
	);
	await check.done;
	expect(results[0]).toMatch(/can't be written/);
	mkdirSync(place);
	await mended.promise;
	check.close();
	rmSync(place, { recursive: true });
	await delay(20);
	expect(results).toHaveLength(2);
});

test("a check that hangs is a failed one, and not begun again", async () => {
	let begun = 0;
	const hanging: Check = {
		name: "folder",
		check: () => {
			begun++;
			return new Promise(() => undefined);
		},
	};
	const results: string[] = [];
	const told = Promise.withResolvers<void>();
	const check = checkRegularly(
		[hanging],
		(reason) => {
			results.push(reason);
			if (results.length === 2) told.resolve();
		},
		{ limitMs: 5, againMs: 5 },
	);
	await told.promise;
	check.close();
	expect(results).toEqual([
		"the self-check of its folder gave no answer in 0.005 s",
		"the self-check of its folder hangs",
	]);
	expect(begun).toBe(1);
});
