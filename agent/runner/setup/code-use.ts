/**
 * Which files of its code an attempt read. Before the launch the access times of all of them are set far back; what
 * has a newer one in the end was read. Whatever changed in another way counts as read, and in doubt there is no answer.
 *
 * What this does not see: looks at a file that read nothing of it, such as whether it exists, its size or its mode. Of
 * existence the names in every folder that was listed, holds a file read, lies above one, or is the step's working
 * folder are part of the answer; a step that only asks for files in some other folder escapes, and so does a program
 * that reads with O_NOATIME.
 */

import { lstatSync, rmSync, type Stats, statSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { codeUseKey, foldersIn, ROOT } from "#shared/blobs/code-use.ts";
import type { CodeUse, Manifest } from "#shared/domain.ts";
import { bootId } from "#shared/process.ts";
import { readPlain } from "../../system/plain-file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { forgetReads, wasRead } from "./access-times.ts";

const MAX_PATHS = 2_000;
const MAX_PATHS_BYTES = 128 * 1024;
/** Files between two breaths of the loop. */
const AT_ONCE = 250;

interface Marks {
	/** Access times may be lost with the power. */
	boot: string;
	/** Every file's time of change. */
	changedS: number;
}

/** After this a launch's reads show. Before it, or when it failed, nothing is known. */
export const markCode = async (paths: AttemptPaths, manifest: Manifest): Promise<void> => {
	const marks: Marks = { boot: bootId(), changedS: Math.floor(Date.now() / 1000) };
	const places = [...manifest.entries.map(({ path }) => path), ...foldersIn(manifest)];
	// Last comes the file of marks: before it nothing is known.
	await forEachInTurns(places, (path) => forgetReads(`${paths.work}/${path}`, marks.changedS));
	forgetReads(paths.params, marks.changedS);
	writeFileSync(paths.codeMarks, JSON.stringify(marks), { mode: 0o600 });
};

export const forgetMarks = ({ codeMarks }: AttemptPaths): void => rmSync(codeMarks, { force: true });

/** null when it can't be told, or is too much to tell. */
export const readCodeUse = async (
	paths: AttemptPaths,
	manifest: Manifest,
	workdir: string,
): Promise<CodeUse | null> => {
	const marks = readMarks(paths);
	if (!marks || marks.boot !== bootId() || !statSync(paths.work, { throwIfNoEntry: false })) return null;
	const markedMs = statSync(paths.codeMarks).ctimeMs;
	const isUntouched = (stat: Stats | undefined): boolean =>
		stat !== undefined &&
		!wasRead(stat) &&
		stat.mtimeMs === marks.changedS * 1000 &&
		stat.ctimeMs <= markedMs &&
		stat.nlink === 1;

	const used = new Set<string>([workdirOf(workdir)]);
	await forEachInTurns(manifest.entries, ({ path }) => {
		if (!isUntouched(statOf(paths, path))) used.add(path);
	});
	let isSameTree = true;
	await forEachInTurns(foldersIn(manifest), (folder) => {
		const stat = statOf(paths, folder.slice(0, -1));
		if (!stat || wasRead(stat)) used.add(folder);
		// Below a link in its place lie other files than ours.
		if (stat && !stat.isDirectory()) isSameTree = false;
	});
	const readsParams = !isUntouched(statSync(paths.params, { throwIfNoEntry: false }));
	return isSameTree ? useOf(manifest, used, readsParams) : null;
};

const useOf = (manifest: Manifest, used: Set<string>, readsParams: boolean): CodeUse | null => {
	if (!addLinkTargets(manifest, used)) return null;
	const paths = [...used].sort();
	const bytes = paths.reduce((sum, path) => sum + Buffer.byteLength(path), 0);
	if (paths.length > MAX_PATHS || bytes > MAX_PATHS_BYTES) return null;
	const key = codeUseKey(manifest, paths);
	return key === null ? null : { paths, key, readsParams };
};

/** Of a file below a used link's folder its own access time tells. False when a link leads to nothing known. */
const addLinkTargets = (manifest: Manifest, used: Set<string>): boolean => {
	const links = new Map(
		manifest.entries.filter(({ linkTarget }) => linkTarget !== "").map((entry) => [entry.path, entry]),
	);
	if (links.size === 0) return true;
	const files = new Set(manifest.entries.map(({ path }) => path));
	const folders = new Set(foldersIn(manifest));
	// What is added while it iterates is visited too.
	for (const path of used) {
		const link = links.get(path);
		if (!link) continue;
		const target = posix.join(posix.dirname(path), link.linkTarget).replace(/\/$/, "");
		if (files.has(target)) used.add(target);
		else if (target !== "." && !folders.has(`${target}/`)) return false;
	}
	return true;
};

const workdirOf = (workdir: string): string => {
	const normal = posix.normalize(`${workdir}/`);
	return normal === "/" ? ROOT : normal;
};

const statOf = ({ work }: AttemptPaths, path: string): Stats | undefined =>
	lstatSync(`${work}/${path}`, { throwIfNoEntry: false });

const readMarks = ({ codeMarks }: AttemptPaths): Marks | null => {
	try {
		return JSON.parse(readPlain(codeMarks).toString()) as Marks;
	} catch {
		return null;
	}
};

/** Synchronous calls are far cheaper for many small files, but must not hold the loop for all of them. */
const forEachInTurns = async <T>(items: readonly T[], act: (item: T) => void): Promise<void> => {
	for (let at = 0; at < items.length; at += AT_ONCE) {
		for (const item of items.slice(at, at + AT_ONCE)) act(item);
		if (at + AT_ONCE < items.length) await nextTurn();
	}
};
