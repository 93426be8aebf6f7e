/** Takes an attempt's outputs into the blob store, in the order in which the step names them. */

import { readdir, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobStore } from "#shared/blobs/store.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import type { ArtifactRef, Failure, Task } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import { failureOf } from "#shared/failure.ts";
import type { AgentId } from "#shared/ids.ts";
import { toFailure } from "../failure.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { checkTotal, readValue } from "./values.ts";

/** All of them, or why one can't be had. */
export const captureOutputs = async (
	task: Task,
	paths: AttemptPaths,
	store: BlobStore,
	agentId: AgentId,
): Promise<{ outputs: ArtifactRef[]; failure: Failure | null }> => {
	const outputs: ArtifactRef[] = [];
	for (const { name, path, asValue } of task.outputs) {
		try {
			await checkPlace(paths, path);
			const ref = await captureTree(store, `${paths.outputs}/${path}`, name, agentId);
			outputs.push(asValue ? { ...ref, valueJson: await readValue(store, ref, path) } : ref);
			checkTotal(outputs);
		} catch (error) {
			const missing = error instanceof RunmeshError && error.code === "RM_NOT_FOUND";
			const problem = missing
				? failureOf(
						"output",
						`output "${name}" is missing: $RUNMESH_OUTPUTS/${path} does not exist${await whatIsThere(paths)}`,
					)
				: toFailure(error, "output", `output "${name}" can't be taken`);
			return { outputs: [], failure: problem };
		}
	}
	return { outputs, failure: null };
};

/** The step may have put a link in the place of a folder on the way there; links below it are the capture's affair. */
const checkPlace = async ({ folder, outputs }: AttemptPaths, path: string): Promise<void> => {
	const place = await realpath(dirname(`${outputs}/${path}`)).catch(() => null);
	if (place === null) return;
	const expected = `${await realpath(folder)}/outputs`;
	if (place === expected || place.startsWith(`${expected}/`)) return;
	throw new RunmeshError("RM_UNSAFE_PATH", `$RUNMESH_OUTPUTS/${path} leads outside the outputs, by a symbolic link`);
};

const LISTED = 10;

const whatIsThere = async (paths: AttemptPaths): Promise<string> => {
	const items = await readdir(paths.outputs, { withFileTypes: true }).catch(() => []);
	if (items.length === 0) return "; the folder is empty";
	const names = items.slice(0, LISTED).map((item) => `${item.name}${item.isDirectory() ? "/" : ""}`);
	const more = items.length > LISTED ? ` and ${items.length - LISTED} more` : "";
	return `; the folder holds ${names.join(", ")}${more}`;
};
