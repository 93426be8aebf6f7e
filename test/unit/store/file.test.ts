import {
	closeSync,
	existsSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openReadStore } from "#coordinator/store/store.ts";
import type { AttemptId } from "#shared/ids.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

let dir: string;
let path: string;

beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "runmesh-store-"));
	path = join(dir, "deep", "read.sqlite");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const fill = (close = true) => {
	const store = openReadStore(path);
	store.project([{ sequence: 7, events: [createStory("r1").submitted(pipelineOf("one", [stepOf("a")]))] }]);
	if (close) store.close();
	return store;
};

const sequenceOf = (): number => {
	const store = openReadStore(path);
	try {
		return store.sequence();
	} finally {
		store.close();
	}
};

const tamper = (sql: string): void => {
	const database = new DatabaseSync(path);
	database.exec(sql);
	database.close();
};

describe("the read store's file", () => {
	it("goes on where it stood, and twice", () => {
		fill();
		expect(sequenceOf()).toBe(7);
		expect(sequenceOf()).toBe(7);
		const store = openReadStore(path);
		expect(store.run("r1")?.pipeline).toBe("one");
		store.close();
	});

	it("is kept when only the process died", () => {
		const store = fill(false);
		expect(existsSync(`${path}-wal`)).toBe(true);
		expect(sequenceOf()).toBe(7);
		store.close();
	});

	it("is made anew for another schema version", () => {
		fill();
		tamper("PRAGMA user_version = 99");
		expect(sequenceOf()).toBe(0);
	});

	it("is made anew when the machine went down with it open", () => {
		fill();
		tamper("UPDATE opened SET boot = 'another boot'");
		expect(sequenceOf()).toBe(0);
	});

	it("is made anew when it is no database, or is damaged", () => {
		fill();
		writeFileSync(path, "this was a database once ".repeat(500));
		expect(sequenceOf()).toBe(0);
		fill();
		const { size } = statSync(path);
		const file = openSync(path, "r+");
		writeSync(file, Buffer.alloc(size - 100, 0xff), 0, size - 100, 100);
		closeSync(file);
		expect(sequenceOf()).toBe(0);
		rmSync(path);
		expect(sequenceOf()).toBe(0);
	});

	it("is made anew at the start after damage was met while it was open", () => {
		const store = fill(false);
		store.addMetricPoints("r1.a.1" as AttemptId, [{ name: "loss", value: 1, step: 1, atMs: 1 }]);
		store.close();
		const { size } = statSync(path);
		const damaged = openReadStore(path);
		const file = openSync(path, "r+");
		writeSync(file, Buffer.alloc(size - 8_192, 0xff), 0, size - 8_192, 8_192);
		closeSync(file);
		const more = { sequence: 8, events: [createStory("r2").submitted(pipelineOf("two", [stepOf("a")]))] };
		expect(() => damaged.project([more])).toThrow(expect.objectContaining({ code: "RM_INTERNAL" }));
		expect(existsSync(path)).toBe(false);
		expect(sequenceOf()).toBe(0);
	});

	it("leaves what stands in its way alone", () => {
		writeFileSync(join(dir, "file"), "");
		expect(() => openReadStore(join(dir, "file", "read.sqlite"))).toThrow();
		expect(readFileSync(join(dir, "file"), "utf8")).toBe("");
	});
});
