/** The agent's disk never fills up for want of a look at it. */

import { execFileSync } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DiskAttempt } from "#agent/disk/attempt-sizes.ts";
import { type DiskOptions, keepDisk } from "#agent/disk/disk.ts";
import { createGrowth } from "#agent/disk/growth.ts";
import { measureFolders, parseSizes } from "#agent/disk/measure.ts";
import { floorOf } from "#agent/disk/room.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import type { AttemptId } from "#shared/ids.ts";
import { digestOf, noise, tempDir } from "#test/support/data-plane.ts";
import { createNews } from "#test/support/news.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

test("what stays free: a gibibyte or two hundredths, of a small disk a quarter, or what the owner says", () => {
	expect(floorOf(20 * GIB, null)).toBe(GIB);
	expect(floorOf(1000 * GIB, null)).toBe(20 * GIB);
	expect(floorOf(2 * GIB, null)).toBe(GIB / 2);
	expect(floorOf(100 * GIB, 5 * GIB)).toBe(5 * GIB);
	expect(floorOf(100 * GIB, 1)).toBe(1);
});

describe("measuring", () => {
	test("reads what du says, and only that", () => {
		expect(parseSizes("8\t/a/b c\n1048576\t/d\ndu: cannot read\n\n")).toEqual(
			new Map([
				["/a/b c", 8192],
				["/d", GIB],
			]),
		);
	});

	test("counts files that a step hid from itself for nothing, and folders that are gone not at all", async () => {
		const dir = await tempDir();
		const [plain, gone] = [join(dir, "plain"), join(dir, "gone")];
		await mkdir(join(plain, "hidden"), { recursive: true });
		await writeFile(join(plain, "data"), noise(3 * MIB));
		await chmod(join(plain, "hidden"), 0);
		onTestFinished(() => chmod(join(plain, "hidden"), 0o700));
		const sizes = await measureFolders([plain, gone]);
		expect([...sizes.keys()]).toEqual([plain]);
		expect(sizes.get(plain)).toBeGreaterThanOrEqual(3 * MIB);
		expect(await measureFolders([])).toEqual(new Map());
	});
});

const attempt = (dir: string, name: string, limitBytes = 0): DiskAttempt => ({
	...{ attemptId: name as AttemptId, folder: join(dir, name), limitBytes },
});

const grow = async ({ folder }: DiskAttempt, bytes: number): Promise<void> => {
	await mkdir(folder, { recursive: true });
	execFileSync("/bin/sh", ["-c", `head -c ${bytes} /dev/zero >>"$1/data"`, "grow", folder]);
};

const left = (mebibytes: number) => ({ availableBytes: mebibytes * MIB, criticalBytes: 100 * MIB });

test("the attempt that grows is to blame, not the one that is large", async () => {
	const dir = await tempDir();
	const [large, small] = [attempt(dir, "large"), attempt(dir, "small")];
	await grow(large, 20 * MIB);
	await grow(small, MIB);
	const growth = createGrowth();
	expect(await growth.look([large, small], left(102))).toBeNull();
	expect(await growth.look([], left(97))).toBeNull();
	await grow(small, 5 * MIB);
	const most = await growth.look([large, small], left(97));
	expect(most?.attemptId).toBe("small");
	expect(most?.bytes).toBeGreaterThanOrEqual(5 * MIB);
});

test("where no attempt grows, none is to blame", async () => {
	const dir = await tempDir();
	const only = attempt(dir, "only");
	await grow(only, 20 * MIB);
	const growth = createGrowth();
	expect(await growth.look([only], left(101))).toBeNull();
	await grow(only, 1_000);
	expect(await growth.look([only], left(99))).toBeNull();
});

test("nor is one that grows while somebody else fills the disk", async () => {
	const dir = await tempDir();
	const only = attempt(dir, "only");
	await grow(only, MIB);
	const growth = createGrowth();
	expect(await growth.look([only], left(150))).toBeNull();
	await grow(only, 5 * MIB);
	expect(await growth.look([only], left(50))).toBeNull();
});

interface Kept {
	closed: string[];
	usable: number[];
	exceeded: { attemptId: string; reason: string }[];
	store: BlobStore;
	folder: string;
	/** Resolves when it holds, asked after everything that is told. */
	until(holds: () => boolean): Promise<void>;
}

/** A disk of which `availableBytes` says what is left, beside the cache: what goes from that is free again. */
const kept = async (
	free: { availableBytes: number },
	more: Partial<DiskOptions> = {},
	fill: (store: BlobStore) => Promise<void> = async () => undefined,
): Promise<Kept> => {
	const folder = await tempDir();
	const store = await openBlobStore(join(folder, "blobs"));
	await fill(store);
	const { tell, until } = createNews();
	const told: Pick<Kept, "closed" | "usable" | "exceeded"> = { closed: [], usable: [], exceeded: [] };
	const disk = keepDisk({
		...{ folder, minFreeBytes: null, boundBytes: null, attempts: () => [], isNeeded: () => false, relieve: () => 0 },
		fetched: {
			...store.fetched,
			evict: async (bytes, isNeeded) => {
				const gone = await store.fetched.evict(bytes, isNeeded);
				free.availableBytes += gone;
				return gone;
			},
		},
		onClosed: (reason) => {
			told.closed.push(reason);
			tell();
		},
		onUsable: (bytes) => {
			told.usable.push(bytes);
			tell();
		},
		onExceeded: (attemptId, reason) => {
			told.exceeded.push({ attemptId, reason });
			tell();
		},
		room: async () => ({ ...free, floorBytes: 1_000 * MIB, criticalBytes: 500 * MIB }),
		pace: { idleMs: 5, busyMs: 5, lowMs: 5, evictAgainMs: 5, measureMs: 5, measureRest: 1 },
		...more,
	});
	onTestFinished(disk.close);
	await disk.done;
	return { ...told, store, folder, until };
};

const fetchSome =
	(count: number) =>
	async (store: BlobStore): Promise<void> => {
		for (let seed = 0; seed < count; seed++) {
			const bytes = noise(MIB, seed);
			await store.writeFetched(Readable.from([bytes]), digestOf(bytes), MIB);
		}
	};

describe("a disk", () => {
	test("with room is open, and what attempts may claim is what need not stay free", async () => {
		const { closed, usable } = await kept({ availableBytes: 5_000 * MIB });
		expect({ closed, usable }).toEqual({ closed: [], usable: [3_968 * MIB] });
	});

	test("that gets low takes nothing new until it is well again, and says so once", async () => {
		const free = { availableBytes: 999 * MIB };
		const { closed, until, folder, usable } = await kept(free);
		expect(closed).toEqual([
			`less than 1000Mi is free on the disk that holds ${folder}: make room there, or lower --min-free-disk`,
		]);
		free.availableBytes = 1_050 * MIB;
		const looks = usable.length;
		await until(() => usable.length > looks + 2);
		expect(closed).toHaveLength(1);
		free.availableBytes = 1_200 * MIB;
		await until(() => closed.length === 2);
		expect(closed[1]).toBe("");
	});

	test("that gets low gives up what was fetched before it closes", async () => {
		const free = { availableBytes: 999 * MIB };
		const { closed, usable, store } = await kept(free, {}, async (store) => {
			await store.write(Readable.from([noise(MIB, 999)]));
			await fetchSome(3)(store);
		});
		expect(free.availableBytes).toBe(1_002 * MIB);
		expect(await store.fetched.evict(Number.POSITIVE_INFINITY, () => false)).toBe(0);
		expect({ closed, usable }).toEqual({ closed: [], usable: [0] });
	});

	test("that gets low asks for what else can be had again, and for no more than is lacking", async () => {
		const free = { availableBytes: 999 * MIB };
		const asked: number[] = [];
		const relieve = (bytes: number): number => {
			asked.push(bytes);
			free.availableBytes += bytes;
			return bytes;
		};
		const { closed, until, usable } = await kept(free, { relieve }, fetchSome(1));
		await until(() => usable.length > 3);
		expect({ closed, asked }).toEqual({ closed: [], asked: [100 * MIB] });
	});

	test("that an attempt fills to the end stops that attempt alone", async () => {
		const dir = await tempDir();
		const [idle, filler] = [attempt(dir, "idle"), attempt(dir, "filler")];
		await grow(idle, 10 * MIB);
		await grow(filler, MIB);
		const living = [idle, filler];
		const free = { availableBytes: 999 * MIB };
		const { exceeded, until, usable } = await kept(free, { attempts: () => living });
		await grow(filler, 150 * MIB);
		const looks = usable.length;
		await until(() => usable.length > looks + 3);
		expect(exceeded).toEqual([]);
		free.availableBytes = 400 * MIB;
		await until(() => exceeded.length > 0);
		expect(exceeded[0]?.attemptId).toBe("filler");
		expect(exceeded[0]?.reason).toMatch(/^400Mi was left on the disk .*its folder grew by 15/);
	});
});

describe("a bound on the agent's folder", () => {
	test("is kept by giving up what was fetched, and by taking nothing new when that is not enough", async () => {
		const living = [attempt(await tempDir(), "maker")];
		const { closed, until, folder, store } = await kept(
			{ availableBytes: 50_000 * MIB },
			{ boundBytes: 4 * MIB, attempts: () => living },
			fetchSome(6),
		);
		const left = async (): Promise<number> =>
			(await measureFolders([store.fetched.folder])).get(store.fetched.folder) ?? 0;
		await expect.poll(left).toBeLessThan(4 * MIB);
		expect(closed).toEqual([]);
		const made = await store.write(Readable.from([noise(5 * MIB, 99)]));
		await until(() => closed.length > 0);
		living.pop();
		expect(closed[0]).toMatch(/more than the 4Mi that --disk gives/);
		expect(await store.sizeOf(made.digest)).toBe(5 * MIB);
		await rm(join(folder, "blobs", "sha256"), { recursive: true });
		await until(() => closed.length > 1);
		expect(closed[1]).toBe("");
	});
});
