/**
 * Keeps the agent's disk from filling up: cached blobs go, nothing new is taken, and in the last moment the attempt that
 * fills it is stopped. And keeps the agent's folder within what its owner gives, and attempts within what they may take.
 */

import type { FetchedBlobs } from "#shared/blobs/fetched.ts";
import type { AttemptId, Digest } from "#shared/ids.ts";
import { formatBytes } from "#shared/pipeline/units.ts";
import { inTime } from "../in-time.ts";
import { type DiskAttempt, watchAttemptSizes } from "./attempt-sizes.ts";
import { createGrowth } from "./growth.ts";
import { measureFolders } from "./measure.ts";
import { type Room, roomOn } from "./room.ts";

export interface DiskOptions {
	/** The agent's. */
	folder: string;
	/** null for the usual. */
	minFreeBytes: number | null;
	/** What the folder may take; null for all that need not stay free. */
	boundBytes: number | null;
	fetched: FetchedBlobs;
	/** Those that are not over. */
	attempts(): DiskAttempt[];
	/** Removes what else can be had again, until so many bytes have gone; how many did. */
	relieve(bytes: number): number;
	/** A blob that something here still reads. */
	isNeeded(digest: Digest): boolean;
	/** Why nothing new can be taken; "" when it can. */
	onClosed(reason: string): void;
	/** What attempts may claim, those that run among them. */
	onUsable(bytes: number): void;
	onExceeded(attemptId: AttemptId, reason: string): void;
	/** Those of tests. */
	room?: typeof roomOn;
	pace?: typeof usualPace;
}

export interface DiskWatch {
	/** The first look is over. */
	readonly done: Promise<void>;
	close(): void;
}

const usualPace = {
	idleMs: 5_000,
	/** Something runs. */
	busyMs: 1_000,
	/** Something may be filling it as fast as it can. */
	lowMs: 250,
	/** Where too little could go, a scan so soon again finds no more. */
	evictAgainMs: 30_000,
	measureMs: 60_000,
	/** So many times as long as it took. */
	measureRest: 100,
};
/** Longer than a disk that works. */
const LIMIT_MS = 10_000;
/** Once low, it must be better by this part before it counts as well again. */
const RECOVERED = 1.1;
/** Nobody places work by less. */
const USABLE_STEP_BYTES = 64 * 1024 ** 2;

export const keepDisk = (options: DiskOptions): DiskWatch => {
	const { folder, minFreeBytes, boundBytes, fetched, attempts, isNeeded, onClosed, onUsable, onExceeded } = options;
	const { room: readRoom = roomOn, pace = usualPace } = options;
	const sizes = watchAttemptSizes(attempts, onExceeded);
	const growth = createGrowth();
	let timer: NodeJS.Timeout | null = null;
	let closed = false;
	let reason = "";
	let isLow = false;
	let evictAgainAtMs = 0;
	/** Of the whole folder, and of the fetched blobs in it, when they were last measured, less what went since. */
	let takenBytes = 0;
	let fetchedBytes = 0;
	let measureAtMs = 0;
	let isStale = true;
	let asked: Promise<Room> | null = null;

	/** A disk that hangs is asked once: what waits for it holds on to one of the few threads for files. */
	const askRoom = (): Promise<Room> => {
		asked ??= readRoom(folder, minFreeBytes).finally(() => {
			asked = null;
		});
		return inTime(asked, LIMIT_MS);
	};

	/** Unbounded, only what can go is of interest. Where nothing has happened since, nothing has changed. */
	const measure = async (): Promise<void> => {
		const beganMs = performance.now();
		const isBusy = attempts().length > 0;
		isStale ||= isBusy || reason !== "";
		if (!isStale || beganMs < measureAtMs) return;
		isStale = isBusy;
		measureAtMs = Number.POSITIVE_INFINITY;
		const cached = await measureFolders([fetched.folder]);
		const whole = boundBytes === null ? cached : await measureFolders([folder]);
		fetchedBytes = cached.get(fetched.folder) ?? fetchedBytes;
		takenBytes = whole.get(folder) ?? takenBytes;
		const nowMs = performance.now();
		// A large tree is walked seldom.
		measureAtMs = nowMs + Math.max(pace.measureMs, pace.measureRest * (nowMs - beganMs));
	};

	const isOverBound = (): boolean => boundBytes !== null && takenBytes > boundBytes;

	/** So many bytes of what can be had again. */
	const evict = async (bytes: number): Promise<void> => {
		if (bytes <= 0 || performance.now() < evictAgainAtMs) return;
		const blobBytes = await fetched.evict(bytes, isNeeded);
		fetchedBytes = Math.max(0, fetchedBytes - blobBytes);
		const gone = blobBytes + (blobBytes < bytes ? options.relieve(bytes - blobBytes) : 0);
		takenBytes -= gone;
		if (gone < bytes) evictAgainAtMs = performance.now() + pace.evictAgainMs;
	};

	const tellClosed = ({ floorBytes }: Room): void => {
		const now = isLow
			? `less than ${formatBytes(floorBytes)} is free on the disk that holds ${folder}: make room there, or lower --min-free-disk`
			: isOverBound()
				? `what runs and what was made here take more than the ${formatBytes(boundBytes ?? 0)} that --disk gives ${folder}: give it more`
				: "";
		if (now !== reason) onClosed(now);
		reason = now;
	};

	const tellUsable = ({ availableBytes, floorBytes }: Room): void => {
		const own = fetchedBytes + sizes.totalBytes();
		const byDisk = availableBytes - floorBytes + own;
		const byBound = boundBytes === null ? byDisk : boundBytes - takenBytes + own;
		const bytes = Math.max(0, Math.min(byDisk, byBound));
		onUsable(Math.floor(bytes / USABLE_STEP_BYTES) * USABLE_STEP_BYTES);
	};

	const lowAt = ({ floorBytes }: Room): number => (isLow ? RECOVERED : 1) * floorBytes;

	const look = async (): Promise<void> => {
		let room = await askRoom();
		const lacking = room.availableBytes < lowAt(room) ? RECOVERED * room.floorBytes - room.availableBytes : 0;
		const over = boundBytes === null ? 0 : takenBytes - boundBytes;
		if (lacking > 0 || over > 0) {
			await evict(Math.max(lacking, over));
			room = await askRoom();
		}
		isLow = room.availableBytes < lowAt(room);
		tellClosed(room);
		tellUsable(room);
		if (!isLow) growth.forget();
		else await stopTheOneThatGrows(room);
	};

	const stopTheOneThatGrows = async (room: Room): Promise<void> => {
		const most = await growth.look(attempts(), room);
		if (!most) return;
		const left = `${formatBytes(room.availableBytes)} was left on the disk that holds ${folder}`;
		onExceeded(
			most.attemptId,
			`${left}, and this attempt filled it most: its folder grew by ${formatBytes(most.bytes)}`,
		);
	};

	const next = (): void => {
		if (closed) return;
		const waitMs = attempts().length === 0 ? pace.idleMs : isLow ? pace.lowMs : pace.busyMs;
		timer = setTimeout(() => {
			void measure();
			// A disk that can't be asked is the self-check's affair.
			void look()
				.catch(() => undefined)
				.then(next);
		}, waitMs);
		timer.unref();
	};

	return {
		done: look()
			.catch(() => undefined)
			.then(next),
		close: () => {
			closed = true;
			if (timer) clearTimeout(timer);
			sizes.close();
		},
	};
};
