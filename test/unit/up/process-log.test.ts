import { closeSync, existsSync, mkdtempSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type ProcessLog, processLog } from "#cli/up/process-log.ts";

const newLog = (limitBytes?: number): ProcessLog => {
	const root = mkdtempSync(join(tmpdir(), "runmesh-up-"));
	const log = processLog(join(root, "logs", "node.log"), limitBytes);
	onTestFinished(() => {
		log.close();
		rmSync(root, { recursive: true });
	});
	return log;
};

const write = (log: ProcessLog, text: string): void => {
	const file = log.open();
	writeSync(file, text);
	closeSync(file);
};

test("the tail holds the last lines of the present start alone", () => {
	const log = newLog();
	write(log, "of an earlier start\n");
	write(log, "one\ntwo\nthree\n");
	expect(log.tail(2)).toEqual(["two", "three"]);
	expect(log.tail(9)).toEqual(["one", "two", "three"]);
	write(log, "");
	expect(log.tail(9)).toEqual([]);
});

test("a log past its limit is set aside, the one set aside before is given up", () => {
	const log = newLog(100);
	write(log, "a".repeat(101));
	write(log, "b".repeat(150));
	expect(statSync(`${log.path}.1`).size).toBe(101);
	write(log, "c\n");
	expect(statSync(`${log.path}.1`).size).toBe(150);
	expect(statSync(log.path).size).toBe(2);
	expect(log.tail(3)).toEqual(["c"]);
});

test("a folder that someone removed is made again", () => {
	const log = newLog();
	write(log, "one\n");
	rmSync(join(log.path, ".."), { recursive: true });
	write(log, "two\n");
	expect(existsSync(log.path)).toBe(true);
});
