/** Makes an attempt's outcome from what it left: how it ended, its outputs, its metrics. */

import { statSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { constants } from "node:os";
import { dirname } from "node:path";
import type { BlobStore } from "#shared/blobs/store.ts";
import { captureTree, readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef, CodeUse, Failure, Outcome, Task } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { AgentId } from "#shared/ids.ts";
import type { Ending } from "../core/commands.ts";
import type { Exit } from "../core/inputs.ts";
import { type FinishedBody, identityOf } from "../core/state.ts";
import { readRecord } from "../environments/record.ts";
import { diskAvailableBytes } from "../fingerprint/disk.ts";
import { readCodeUse } from "./code-use.ts";
import { readRecord as readContainer } from "./containers/record.ts";
import { failure, lastLines, toFailure } from "./failure.ts";
import { readMetrics } from "./metrics.ts";
import type { AttemptPaths } from "./paths.ts";
import { checkTotal, readValue } from "./values.ts";

interface Verdict {
	outcome: Outcome;
	failure: Failure | null;
}

const FULL_BYTES = 1024 * 1024;

export const collectOutcome = async (
	task: Task,
	paths: AttemptPaths,
	ending: Ending,
	store: BlobStore,
	agentId: AgentId,
): Promise<FinishedBody> => {
	const body: FinishedBody = {
		kind: "attemptFinished",
		attempt: identityOf(task),
		outcome: "failed",
		failure: null,
		outputs: [],
		metrics: [],
		startedAtMs: 0,
		finishedAtMs: 0,
		logBytes: 0,
		logDroppedBytes: 0,
		codeUse: null,
		usage: null,
	};
	if (ending.kind === "unstarted") {
		return { ...body, outcome: ending.outcome, failure: ending.failure, finishedAtMs: ending.atMs };
	}
	const verdict = await nameFullDisk(judge(ending, paths), paths);
	const taken =
		verdict.outcome === "succeeded"
			? await captureOutputs(task, paths, store, agentId)
			: { outputs: [], failure: verdict.failure };
	const outcome = taken.failure && verdict.outcome === "succeeded" ? "failed" : verdict.outcome;
	return {
		...body,
		outcome,
		failure: taken.failure,
		outputs: taken.outputs,
		metrics: sizeOf(paths.metrics) === 0 ? [] : await readMetrics(paths.metrics).catch(() => []),
		startedAtMs: ending.startedAtMs,
		finishedAtMs: ending.exit.atMs,
		logBytes: sizeOf(paths.stdout) + sizeOf(paths.stderr),
		// After the outputs: one that is a piece of the code was read by now.
		codeUse: outcome === "succeeded" ? await codeUseOf(task, paths, store) : null,
	};
};

/** What can't be told costs a cached result, not the outcome. */
const codeUseOf = async (
	{ trackCode, code, action }: Task,
	paths: AttemptPaths,
	store: BlobStore,
): Promise<CodeUse | null> => {
	if (!trackCode || !code || action.kind !== "command") return null;
	try {
		return await readCodeUse(paths, await readManifest(store, code.digest), action.workdir);
	} catch {
		return null;
	}
};

/** Most programs say little when a write fails; a disk that is full as they fail tells more. */
const nameFullDisk = async (verdict: Verdict, { folder }: AttemptPaths): Promise<Verdict> => {
	const { failure } = verdict;
	if (failure?.cause !== "error" || (await diskAvailableBytes(folder)) >= FULL_BYTES) return verdict;
	const message = `no space is left on the disk that holds ${folder}; ${failure.message}`;
	return { ...verdict, failure: { ...failure, cause: "disk", message } };
};

/** A stopped attempt that leaves with 0 has most likely saved its state, not done its work: the stop counts. */
const judge = ({ exit, stop }: Extract<Ending, { kind: "exited" }>, paths: AttemptPaths): Verdict => {
	if (stop?.cause === "cancelled") return { outcome: "cancelled", failure: null };
	const detail = { ...(exit.exitCode === null ? {} : { exitCode: exit.exitCode }), signal: exit.signal };
	if (stop?.cause === "timeout") {
		return { outcome: "failed", failure: { ...failure("timeout", withTail(stop.reason, paths)), ...detail } };
	}
	if (stop) return { outcome: "failed", failure: failure(stop.cause, withTail(stop.reason, paths)) };
	if (exit.why) {
		const { cause, message } = exit.why;
		return { outcome: "failed", failure: { ...failure(cause, withTail(message, paths)), ...detail } };
	}
	if (exit.exitCode === 0) return { outcome: "succeeded", failure: null };
	// Not the program's doing: it costs none of its retries.
	if (exit.vanished !== "") return { outcome: "failed", failure: failure("lost", withTail(exit.vanished, paths)) };
	return { outcome: "failed", failure: { ...failure("error", withTail(describe(exit), paths)), ...detail } };
};

const describe = ({ exitCode, signal }: Exit): string => {
	if (signal === "SIGKILL") {
		return "killed by SIGKILL, not by runmesh: often the system's out-of-memory killer, or exit code 137";
	}
	if (signal !== "") return `ended by ${signal} (exit code ${exitCode})`;
	if (exitCode === 127) return "exit code 127: a command was not found";
	if (exitCode === 126) return "exit code 126: a command is not executable";
	return `exit code ${exitCode}`;
};

const withTail = (message: string, paths: AttemptPaths): string => {
	const stderr = lastLines(paths.stderr, (readRecord(paths) ?? readContainer(paths))?.setupBytes);
	if (stderr !== "") return `${message}; stderr ends with:\n${stderr}`;
	const stdout = lastLines(paths.stdout);
	return stdout === "" ? message : `${message}; stdout ends with:\n${stdout}`;
};

/** The supervisor's exit code, as a shell gives it: 128 and the number of the signal. */
export const exitOf = (code: number, atMs: number): Exit => ({
	exitCode: code,
	signal: code > 128 ? (signalNames.get(code - 128) ?? "") : "",
	vanished: "",
	atMs,
});

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

const captureOutputs = async (
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
				? failure(
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

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
