/** Runs the validator child within its limits and makes a report of what it said, or of how it died. */

import { readFile } from "node:fs/promises";
import { type ModelProcess, startModelProcess } from "../model-process.ts";
import { type Check, type CheckName, checkNames, type ValidationReport } from "./report.ts";
import type { ValidatorMessage } from "./validator.ts";

export interface ValidationRequest {
	modelPath: string;
	/** The artifact's folder. */
	root: string;
	goldenPath: string | null;
	timeMs: number;
	memoryBytes: number;
	signal?: AbortSignal;
	nowMs: () => number;
}

const WATCH_MS = 50;
const PAGE_BYTES = 4096;
const MAX_DETAIL = 2_000;

/** 0 where the system does not tell (Linux does). */
const residentBytes = async (pid: number): Promise<number> => {
	const statm = await readFile(`/proc/${pid}/statm`, "utf8").catch(() => "");
	return Number(statm.split(" ")[1] ?? 0) * PAGE_BYTES;
};

/** Ends the child where it takes more than it may. Returns what stops the watch. */
const watch = (child: ModelProcess, { timeMs, memoryBytes }: ValidationRequest): (() => void) => {
	const late = setTimeout(() => child.kill(`took longer than ${timeMs / 1000} s, which is the limit`), timeMs);
	const memory = setInterval(async () => {
		const used = await residentBytes(child.pid);
		if (used <= memoryBytes) return;
		const [mib, limit] = [used, memoryBytes].map((bytes) => Math.round(bytes / 1024 ** 2));
		child.kill(`grew to ${mib} MiB of memory, the limit is ${limit} MiB`);
	}, WATCH_MS);
	return () => {
		clearTimeout(late);
		clearInterval(memory);
	};
};

const isCheckName = (name: unknown): name is CheckName => checkNames.includes(name as CheckName);

/** Never rejects for what the model does; throws only when the signal aborts. */
export const validateModel = async (request: ValidationRequest): Promise<ValidationReport> => {
	const { modelPath, root, goldenPath, memoryBytes, signal, nowMs } = request;
	signal?.throwIfAborted();
	const checks: Check[] = [];
	let begun: CheckName = "parse";
	let measured = { runtime: "", provider: "", loadMs: 0, peakRssBytes: 0 };
	let done = false;
	const child = startModelProcess({
		entry: new URL("validator.ts", import.meta.url),
		args: [modelPath, root, goldenPath ?? ""],
		memoryBytes,
		onFrame: ({ header }) => {
			// Told by a process that a hostile model may have taken over: no more is believed than a report can hold.
			const message = header as ValidatorMessage;
			if (message.kind === "begin" && isCheckName(message.name)) begun = message.name;
			else if (message.kind === "end" && isCheckName(message.check?.name) && checks.length < checkNames.length) {
				const { name, ok, detail } = message.check;
				checks.push({ name, ok: ok === true, detail: String(detail).slice(0, MAX_DETAIL) });
			} else if (message.kind === "done") {
				const { runtime, provider, loadMs, peakRssBytes } = message;
				measured = {
					runtime: String(runtime),
					provider: String(provider),
					loadMs: Number(loadMs),
					peakRssBytes: Number(peakRssBytes),
				};
				done = true;
			}
		},
	});
	const stopWatching = watch(child, request);
	const abort = (): void => child.kill("is wanted no more");
	signal?.addEventListener("abort", abort, { once: true });
	const how = await child.ended;
	signal?.removeEventListener("abort", abort);
	stopWatching();
	signal?.throwIfAborted();
	if (!done && !checks.some((check) => !check.ok)) {
		checks.push({ name: begun, ok: false, detail: `the process that looked into the model ${how}` });
	}
	const expected = checkNames.filter((name) => name !== (goldenPath === null ? "golden" : "run"));
	const passed = expected.every((name) => checks.some((check) => check.name === name && check.ok));
	return { ok: passed && checks.every((check) => check.ok), checks, ...measured, atMs: nowMs() };
};
