/** Brings what a step needs into its folder: code tree, inputs, parameters. */

import { mkdirSync, rmSync } from "node:fs";
import type { BlobStore } from "#shared/blobs/store.ts";
import { type BlobSource, fetchArtifact } from "#shared/blobs/transfer.ts";
import { materialiseTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef, Manifest, Task } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import { isName } from "#shared/ids.ts";
import { AttemptError, toFailure } from "../failure.ts";
import { writeOver } from "../files/file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { forgetMarks, markCode } from "./code-use.ts";
import { checkMasterPort } from "./rendezvous.ts";

export interface PrepareTools {
	store: BlobStore;
	/** Who may have the bytes, nearest first. */
	sourcesOf(ref: ArtifactRef): Promise<BlobSource[]>;
	/** Whether access times tell of reads where the attempts' folders are. */
	readsShow(): Promise<boolean>;
}

export const prepareAttempt = async (
	task: Task,
	paths: AttemptPaths,
	tools: PrepareTools,
	{ isFresh, signal }: { isFresh: boolean; signal: AbortSignal },
): Promise<void> => {
	checkTask(task);
	if (!isFresh) makeFolders(paths);
	writeOver(paths.params, task.paramsJson);
	const { code, inputs, trackCode } = task;
	const bringCode = async (ref: ArtifactRef): Promise<void> => {
		const manifest = await bring(ref, "the code", paths.work, tools, signal);
		if (trackCode) await watchCode(paths, manifest, tools);
	};
	await Promise.all([
		checkMasterPort(task.gang),
		...(code ? [bringCode(code)] : []),
		...inputs.map((ref) => bring(ref, `input "${ref.name}"`, `${paths.inputs}/${ref.name}`, tools, signal)),
	]);
};

/** Without it the whole of the code counts as read: no reason to fail. */
const watchCode = async (paths: AttemptPaths, manifest: Manifest, { readsShow }: PrepareTools): Promise<void> => {
	forgetMarks(paths);
	if (!(await readsShow())) return;
	await markCode(paths, manifest).catch(() => forgetMarks(paths));
};

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What names a path or a variable is checked again here: the agent trusts no message with its disk. */
const checkTask = ({ action, inputs, outputs, env }: Task): void => {
	const refuse = (what: string): never => {
		throw new AttemptError("launch", `the task can't be run: ${what}`);
	};
	if (action.kind === "command") {
		if (action.shell.length === 0) refuse("it names no interpreter");
		if (!isInside(action.workdir)) refuse(`its workdir "${action.workdir}" leads outside the code tree`);
		if ([...action.shell, action.command].some((text) => text.includes("\0"))) refuse("its command holds a zero byte");
	}
	for (const { name } of inputs) if (!isName(name)) refuse(`"${name}" is no name for an input`);
	for (const { name, path } of outputs) {
		if (!isName(name)) refuse(`"${name}" is no name for an output`);
		if (path === "" || !isInside(path)) refuse(`the path "${path}" of output "${name}" leads outside the outputs`);
	}
	for (const [name, value] of Object.entries(env)) {
		if (!VARIABLE.test(name) || value.includes("\0")) refuse(`"${name}" is no environment variable`);
	}
};

const isInside = (path: string): boolean =>
	!path.startsWith("/") && !path.includes("\0") && !path.split("/").includes("..");

/** What an agent that died while preparing has left is begun anew. */
const makeFolders = ({ work, inputs, outputs }: AttemptPaths): void => {
	for (const folder of [work, inputs, outputs]) {
		try {
			mkdirSync(folder);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
			rmSync(folder, { recursive: true, force: true });
			mkdirSync(folder);
		}
	}
};

/** From others where it is not here, to where it is wanted. */
export const bring = async (
	ref: ArtifactRef,
	what: string,
	target: string,
	{ store, sourcesOf }: Pick<PrepareTools, "store" | "sourcesOf">,
	signal: AbortSignal,
): Promise<Manifest> => {
	const letGo = store.fetched.holdOn();
	try {
		return await fetchAndPlace();
	} catch (error) {
		const failure = toFailure(error, "input", `${what} could not be brought here`);
		throw new AttemptError(failure.cause, failure.message);
	} finally {
		letGo();
	}

	async function fetchAndPlace(secondTime = false): Promise<Manifest> {
		await fetchArtifact(store, ref, await sourcesOf(ref), signal);
		signal.throwIfAborted();
		try {
			return await materialiseTree(store, ref, target);
		} catch (error) {
			// A blob damaged on our disk is set aside then: another copy may be whole.
			const corrupt = error instanceof RunmeshError && error.code === "RM_BLOB_CORRUPT";
			if (!corrupt || secondTime) throw error;
			return fetchAndPlace(true);
		}
	}
};
