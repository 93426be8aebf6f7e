import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openTail, type Tail } from "#coordinator/journal/tail.ts";
import { decodeEntries, encodeEntry, type TailRecord } from "#coordinator/journal/tail-record.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";

const message = (sequence: number, more: Partial<TailRecord> = {}): TailRecord => ({
	sequence,
	epoch: 1,
	atMs: 1_000 + sequence,
	batchId: `b${sequence}`,
	data: Buffer.from(`message ${sequence}`),
	...more,
});

const folderOf = (): string => {
	const folder = newFolder();
	onTestFinished(() => removeFolder(folder));
	return folder;
};

const open = async (folder: string, stream = "made at noon"): Promise<Tail> => {
	const tail = await openTail(folder);
	tail.copies(stream);
	onTestFinished(() => tail.close());
	return tail;
};

const filled = async (folder: string, from: number, to: number): Promise<Tail> => {
	const tail = await open(folder);
	for (let sequence = from; sequence <= to; sequence++) await tail.append([message(sequence)], sequence - 1);
	return tail;
};

const sequences = async (tail: Tail, from: number): Promise<number[]> =>
	(await tail.read(from)).map(({ sequence }) => sequence);

const segments = (folder: string): string[] => readdirSync(folder).map((name) => join(folder, name));

test("holds what it was given, after the process too", async () => {
	const folder = folderOf();
	const tail = await filled(folder, 5, 9);
	expect(await tail.read(5)).toEqual([5, 6, 7, 8, 9].map((sequence) => message(sequence)));
	const again = await open(folder);
	expect([again.last(), again.acknowledged(), again.stream()]).toEqual([9, 8, "made at noon"]);
	await again.append([message(10), message(11)], 9);
	expect(await sequences(again, 7)).toEqual([7, 8, 9, 10, 11]);
	expect(await again.read(4)).toEqual([]);
});

test("remembers that JetStream has the last one, when there is no next to say so", async () => {
	const folder = folderOf();
	const tail = await filled(folder, 1, 3);
	tail.acknowledge(3);
	await tail.close();
	expect((await open(folder)).acknowledged()).toBe(3);
});

test("a torn end is no message, wherever it was torn", async () => {
	const whole = folderOf();
	await (await filled(whole, 1, 3)).close();
	const [path = ""] = segments(whole);
	const bytes = readFileSync(path);
	const last = encodeEntry({ kind: "message", acknowledged: 2, message: message(3) });
	const start = bytes.indexOf(last);
	for (let cut = start; cut < start + last.length; cut += 7) {
		const torn = folderOf();
		const damaged = Buffer.from(bytes);
		damaged.fill(0, cut);
		writeFileSync(join(torn, "0000000001.tail"), damaged);
		const tail = await open(torn);
		expect(tail.last()).toBe(2);
		await tail.append([message(3, { batchId: "again" })], 2);
		expect((await tail.read(1)).map(({ batchId }) => batchId)).toEqual(["b1", "b2", "again"]);
	}
});

test("a later message of the same sequence replaces it and what followed", async () => {
	const folder = folderOf();
	await (await filled(folder, 1, 4)).close();
	const tail = await open(folder);
	await tail.append([message(3, { epoch: 2, batchId: "other" })], 2);
	expect((await tail.read(1)).map(({ batchId }) => batchId)).toEqual(["b1", "b2", "other"]);
	await tail.append([message(4, { epoch: 2 })], 3);
	const again = await open(folder);
	expect((await again.read(1)).map(({ batchId }) => batchId)).toEqual(["b1", "b2", "other", "b4"]);
});

test("begins anew for another stream", async () => {
	const folder = folderOf();
	await (await filled(folder, 1, 4)).close();
	const tail = await open(folder, "made at one");
	expect(tail.last()).toBe(0);
	await tail.append([message(1)], 0);
	expect(await sequences(tail, 1)).toEqual([1]);
});

test("takes messages larger than a segment, and lets go of segments that are old", async () => {
	const folder = folderOf();
	const tail = await open(folder);
	const large = Buffer.alloc(5 * 1024 * 1024, 7);
	for (let sequence = 1; sequence <= 4; sequence++) {
		await tail.append([message(sequence, { data: large })], sequence - 1);
		for (const path of segments(folder)) utimesSync(path, 1, 1);
	}
	expect(segments(folder).length).toBeLessThan(4);
	expect(await sequences(tail, 3)).toEqual([3, 4]);
	expect((await tail.read(4))[0]?.data.length).toBe(large.length);
});

test("takes its space ahead", async () => {
	const folder = folderOf();
	await filled(folder, 1, 1);
	expect(segments(folder).map((path) => statSync(path).size)).toEqual([4 * 1024 * 1024]);
});

test("one that a newer release wrote is refused", async () => {
	const folder = folderOf();
	const head = encodeEntry({ kind: "segment", schemaVersion: 2, stream: "" });
	writeFileSync(join(folder, "0000000001.tail"), head);
	await expect(openTail(folder)).rejects.toMatchObject({
		code: "RM_JOURNAL_INVALID",
		message: expect.stringContaining("is of schema 2, this release reads up to 1"),
	});
});

test("bytes that are no record end what is read", () => {
	const record = encodeEntry({ kind: "message", acknowledged: 4, message: message(5) });
	expect([...decodeEntries(Buffer.concat([record, Buffer.from("garbage that is long enough")]))]).toHaveLength(1);
	expect([...decodeEntries(Buffer.alloc(1_000))]).toEqual([]);
	const flipped = Buffer.from(record);
	flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
	expect([...decodeEntries(flipped)]).toEqual([]);
});

test.each([false, true])(
	"what was cut off is not read again, whatever follows (after a restart: %s)",
	async (restarted) => {
		const folder = folderOf();
		let tail = await filled(folder, 1, 5);
		if (restarted) {
			await tail.close();
			tail = await open(folder);
		}
		tail.cut(4);
		await tail.append([message(6)], 5);
		const again = await open(folder);
		expect([again.last(), again.acknowledged()]).toEqual([6, 5]);
		expect(await sequences(again, 6)).toEqual([6]);
		expect(await again.read(5)).toEqual([]);
		expect(await again.read(4)).toEqual([]);
		await again.append([message(7)], 6);
		expect(await sequences(again, 6)).toEqual([6, 7]);
	},
);
