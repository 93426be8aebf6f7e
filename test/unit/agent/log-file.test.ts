/** The agent's own log in a file: bounded, and never the end of the agent. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLogFile } from "#agent/log-file.ts";

const newFolder = (): string => {
	const dir = mkdtempSync(join(tmpdir(), "runmesh-log-"));
	onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

test("five files are kept, the newest lines last", () => {
	const path = join(newFolder(), "logs", "agent.log");
	const log = openLogFile(path, 10);
	for (let line = 0; line < 9; line++) log.write(`line ${line} ...\n`);
	const kept = ["", ".1", ".2", ".3", ".4"].map((end) => readFileSync(path + end, "utf8"));
	expect(kept).toEqual([8, 7, 6, 5, 4].map((line) => `line ${line} ...\n`));
	expect(existsSync(`${path}.5`)).toBe(false);
});

test("a folder that is removed is made again", () => {
	const folder = join(newFolder(), "logs");
	const log = openLogFile(join(folder, "agent.log"));
	log.write("one\n");
	rmSync(folder, { recursive: true });
	log.write("two\n");
	expect(readFileSync(join(folder, "agent.log"), "utf8")).toBe("two\n");
});

test("a log that can't be written takes lines, and goes on once it can", () => {
	const folder = newFolder();
	const path = join(folder, "logs", "agent.log");
	writeFileSync(join(folder, "logs"), "in the way");
	const log = openLogFile(path);
	log.write("lost\n");
	rmSync(join(folder, "logs"));
	mkdirSync(join(folder, "logs"));
	log.write("kept\n");
	expect(readFileSync(path, "utf8")).toBe("kept\n");
});
