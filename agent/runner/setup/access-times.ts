/**
 * Access times as witnesses of reads. A file whose access time was set far back gets a new one by the next read, be it
 * through read, mmap, exec or a copy inside the kernel; a folder by being listed, a link by being followed. Not so on
 * every file system and with every mount option: whether it holds here is tried out.
 */

import { execFile } from "node:child_process";
import {
	constants,
	lstatSync,
	lutimesSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	rmSync,
	statfsSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { copyFile, realpath } from "node:fs/promises";
import { promisify } from "node:util";

/** A day after the epoch: before any content's time, so that "relatime" writes the next read down. */
const LONG_AGO_S = 86_400;

/** `changedS`, whole seconds, becomes the time of the last change. Of a link, the link's own. */
export const forgetReads = (path: string, changedS: number): void => lutimesSync(path, LONG_AGO_S, changedS);

export const wasRead = ({ atimeMs }: { atimeMs: number }): boolean => atimeMs !== LONG_AGO_S * 1000;

/**
 * Those that are known well enough, by their magic numbers. btrfs, overlayfs and XFS with reflinks copy files without
 * touching them; a network's tell late, or of others' reads.
 */
const FILE_SYSTEMS = Object.values({ ext: 0xef53, xfs: 0x58465342, tmpfs: 0x01021994 });

/** Whether every read of a file below `folder` shows in its access time; tried out when first asked. */
export const readsShowIn = (folder: string, onHidden: () => void = () => undefined): (() => Promise<boolean>) => {
	let answer: Promise<boolean> | null = null;
	const tryOnce = async (): Promise<boolean> => {
		const shown = await tryOut(folder);
		if (!shown) onHidden();
		return shown;
	};
	return () => {
		answer ??= tryOnce();
		return answer;
	};
};

const tryOut = async (folder: string): Promise<boolean> => {
	if (process.platform !== "linux") return false;
	const place = `${folder}/.reads`;
	try {
		if (!FILE_SYSTEMS.includes(statfsSync(folder).type)) return false;
		rmSync(place, { recursive: true, force: true });
		mkdirSync(place);
		for (const way of waysToRead) if (!(await shows(place, way))) return false;
		return true;
	} catch {
		return false;
	} finally {
		rmSync(place, { recursive: true, force: true });
	}
};

interface WayToRead {
	/** What it is tried on. */
	make(path: string): unknown;
	/** false where there is no such way here. */
	read(path: string): unknown;
}

const makeFile = (path: string): void => writeFileSync(path, "read me");

const NO_CLONES = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOTTY", "EXDEV", "EINVAL"]);

/** false where files can't be cloned. */
const clone = async (path: string): Promise<boolean> => {
	try {
		await copyFile(path, `${path}.clone`, constants.COPYFILE_FICLONE_FORCE);
		return true;
	} catch (error) {
		if (NO_CLONES.has((error as NodeJS.ErrnoException).code ?? "")) return false;
		throw error;
	}
};

const waysToRead: WayToRead[] = [
	{ make: makeFile, read: (path) => readFileSync(path) },
	{ make: makeFile, read: (path) => copyFile(path, `${path}.copy`) },
	{ make: makeFile, read: clone },
	{ make: (path) => mkdirSync(path), read: (path) => readdirSync(path) },
	{ make: (path) => symlinkSync("nowhere", path), read: (path) => readlinkSync(path) },
	{
		make: async (path) => copyFile(await realpath("/bin/sh"), path),
		read: (path) => promisify(execFile)(path, ["-c", ":"]),
	},
];

const shows = async (place: string, { make, read }: WayToRead): Promise<boolean> => {
	// Some programs go by their name.
	const path = `${place}/sh`;
	await make(path);
	forgetReads(path, Math.floor(Date.now() / 1000));
	if (wasRead(lstatSync(path))) return false;
	const possible = await read(path);
	const shown = possible === false || wasRead(lstatSync(path));
	rmSync(path, { recursive: true });
	return shown;
};
