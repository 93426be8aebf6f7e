import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { homeOwner, lockHome } from "#cli/up/lock.ts";
import { lockCoordinator } from "#coordinator/identity.ts";
import { type Home, resolveHome } from "#shared/home.ts";

const newHome = (): Home => {
	const root = mkdtempSync(join(tmpdir(), "runmesh-up-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	return resolveHome(root);
};

test("a living owner's lock is refused, naming the process and what to do", () => {
	const home = newHome();
	const lock = lockHome(home);
	expect(homeOwner(home)?.pid).toBe(process.pid);
	expect(() => lockHome(home)).toThrow(
		expect.objectContaining({
			code: "RM_ALREADY_UP",
			message: expect.stringContaining(`process ${process.pid}`),
			hint: expect.stringContaining("runmesh down"),
		}),
	);
	lock.release();
	expect(homeOwner(home)).toBeNull();
	lockHome(home).release();
	expect(readdirSync(home.root)).toEqual([]);
});

test.each([
	["a process that has gone", JSON.stringify({ pid: 4_000_000, start: "boot 1" })],
	["another process that has the pid now", JSON.stringify({ pid: process.pid, start: "another boot 1" })],
	["nobody, torn as it was by a power cut", '{"pid": 1'],
	["nobody, empty", ""],
])("a lock of %s is taken over", (_whose, text) => {
	const home = newHome();
	writeFileSync(home.lock, text);
	expect(homeOwner(home)).toBeNull();
	const lock = lockHome(home);
	expect(JSON.parse(readFileSync(home.lock, "utf8")).pid).toBe(process.pid);
	lock.release();
	expect(readdirSync(home.root)).toEqual([]);
});

test("a coordinator's home takes one process, and names it to the next", () => {
	const home = newHome();
	const lock = lockCoordinator(home);
	expect(() => lockCoordinator(home)).toThrow(
		expect.objectContaining({
			code: "RM_ALREADY_UP",
			message: `another coordinator already runs on ${home.coordinator} (process ${process.pid})`,
			hint: expect.stringContaining("--home"),
		}),
	);
	lock.release();
	lockCoordinator(home).release();
	expect(readdirSync(home.coordinator)).toEqual([]);
});

test("a lock that someone else has taken since is not released", () => {
	const home = newHome();
	const lock = lockHome(home);
	const others = JSON.stringify({ pid: 1, start: "of another" });
	writeFileSync(home.lock, others);
	lock.release();
	expect(readFileSync(home.lock, "utf8")).toBe(others);
});
