/** Whether an attempt succeeded, by how it ended; and if not, why, in words for the one who wrote the step. */

import type { Failure, Outcome } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { Ending } from "../../core/commands.ts";
import type { Exit } from "../../core/inputs.ts";
import { readRecord } from "../../environments/record.ts";
import { diskAvailableBytes } from "../../fingerprint/disk.ts";
import { readRecord as readContainer } from "../containers/record.ts";
import { lastLines } from "../failure.ts";
import type { AttemptPaths } from "../files/paths.ts";

export interface Verdict {
	outcome: Outcome;
	failure: Failure | null;
}

type Exited = Extract<Ending, { kind: "exited" }>;

const FULL_BYTES = 1024 * 1024;

export const judge = async (ending: Exited, paths: AttemptPaths): Promise<Verdict> =>
	nameFullDisk(judgeExit(ending, paths), paths);

/** Most programs say little when a write fails; a disk that is full as they fail tells more. */
const nameFullDisk = async (verdict: Verdict, { folder }: AttemptPaths): Promise<Verdict> => {
	const { failure } = verdict;
	if (failure?.cause !== "error" || (await diskAvailableBytes(folder)) >= FULL_BYTES) return verdict;
	const message = `no space is left on the disk that holds ${folder}; ${failure.message}`;
	return { ...verdict, failure: { ...failure, cause: "disk", message } };
};

/** A stopped attempt that leaves with 0 has most likely saved its state, not done its work: the stop counts. */
const judgeExit = ({ exit, stop }: Exited, paths: AttemptPaths): Verdict => {
	if (stop?.cause === "cancelled") return { outcome: "cancelled", failure: null };
	const detail = { ...(exit.exitCode === null ? {} : { exitCode: exit.exitCode }), signal: exit.signal };
	if (stop?.cause === "timeout") {
		return { outcome: "failed", failure: { ...failureOf("timeout", withTail(stop.reason, paths)), ...detail } };
	}
	if (stop) return { outcome: "failed", failure: failureOf(stop.cause, withTail(stop.reason, paths)) };
	if (exit.why) {
		const { cause, message } = exit.why;
		return { outcome: "failed", failure: { ...failureOf(cause, withTail(message, paths)), ...detail } };
	}
	if (exit.exitCode === 0) return { outcome: "succeeded", failure: null };
	// Not the program's doing: it costs none of its retries.
	if (exit.vanished !== "") return { outcome: "failed", failure: failureOf("lost", withTail(exit.vanished, paths)) };
	return { outcome: "failed", failure: { ...failureOf("error", withTail(describe(exit), paths)), ...detail } };
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
