/**
 * `npm run demo [-- --keep]`: a mesh of its own on this machine, examples/digits on it from raw rows to a served
 * model, and every held-out digit asked of that model. Succeeds only if the model answers as it was validated.
 * Whatever happens, nothing is left: no process, no file. `--keep` holds the mesh up until Ctrl-C.
 */

import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { wantsColor } from "#cli/context.ts";
import { type ApiClient, createApiClient, isFinished } from "#cli/lib/client.ts";
import { downloadArtifact } from "#cli/lib/download.ts";
import { pause } from "#cli/lib/resume.ts";
import { submitPipeline } from "#cli/lib/submit.ts";
import { watchRun } from "#cli/lib/watch.ts";
import { formatDuration } from "#cli/output/format.ts";
import { liveProgress } from "#cli/output/live.ts";
import { plainProgress, summarize } from "#cli/output/progress.ts";
import { createStyle } from "#cli/output/style.ts";
import type { MeshEvent } from "#cli/up/options.ts";
import { type RunningMesh, startMesh } from "#cli/up/up.ts";
import type { RunDetail } from "#shared/api.ts";
import { errorTable, RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { resolveHome } from "#shared/home.ts";
import { chooseDrawn, drawAnswers } from "./demo/drawing.ts";
import { accuracyOf, askAll, type HeldOut, type Quiz, rowOf, type Served } from "./demo/quiz.ts";
import { describeKept, describePlaces, describeQuiz, failureTail } from "./demo/words.ts";

const PIPELINE = fileURLToPath(new URL("../examples/digits/pipeline.yaml", import.meta.url));
/** For the steps of an interrupted run to end. */
const CANCEL_MS = 10_000;
const INTERRUPTED = 130;

const { stdout } = process;
const colors = wantsColor(process.env, stdout);
const style = createStyle(colors);
const say = (...lines: string[]): void => {
	for (const line of lines) stdout.write(`${line}\n`);
};

const interrupt = new AbortController();
let mesh: RunningMesh | null = null;

const onSignal = (): void => {
	// Asked twice: no more grace.
	if (interrupt.signal.aborted) mesh?.kill();
	interrupt.abort();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
// Whoever reads has gone, as `head` does.
stdout.on("error", () => interrupt.abort());
// After a defect of ours: nothing may stay behind.
process.on("exit", () => mesh?.kill());

const onMeshEvent = (event: MeshEvent): void => {
	if (event.kind === "fetching") say(style.dim(`  fetching ${event.what}`));
	if (event.kind === "died") say(style.bad(`✗ ${event.name} died (${event.how}), starting it again`), ...event.tail);
};

const runPipeline = async (client: ApiClient): Promise<RunDetail> => {
	const submitted = await submitPipeline(client, PIPELINE, {});
	const progress = stdout.isTTY ? liveProgress(stdout, style, { colors }) : plainProgress(stdout, style, { colors });
	let run: RunDetail | null = null;
	try {
		run = await watchRun(client, submitted, progress, { logs: false, signal: interrupt.signal });
	} finally {
		progress.close();
		if (!run) await cancel(client, submitted.id);
	}
	if (!run) throw new RunmeshError("RM_CONFLICT", "interrupted");
	say(...summarize(run, style), "");
	return run;
};

/** A step outlives its agent, so it must have ended before the mesh does. */
const cancel = async (client: ApiClient, runId: string): Promise<void> => {
	const limit = AbortSignal.timeout(CANCEL_MS);
	try {
		let run = await client.cancelRun(runId);
		while (!isFinished(run) && !limit.aborted) {
			await pause(50, limit);
			run = await client.run(runId);
		}
	} catch {
		// Finished meanwhile, or nobody is there to ask: the mesh is stopped next.
	}
};

const fetchHeldOut = async (client: ApiClient, runId: string, root: string): Promise<HeldOut> => {
	const { path } = await downloadArtifact(client, runId, "validate.heldout", root, join(root, "download"));
	return JSON.parse(readFileSync(path, "utf8"));
};

const findServed = async (client: ApiClient, token: string): Promise<Served> => {
	for (const { model, replicas } of await client.deployments()) {
		const replica = replicas.find(({ state }) => state === "serving");
		if (replica) return { model, endpoint: replica.endpoint, token };
	}
	throw new RunmeshError("RM_UNAVAILABLE", "the run is green, but no replica serves its model");
};

/** What differs between the served model and the one that was validated; empty when they are one. */
const differences = (run: RunDetail, heldOut: HeldOut, quiz: Quiz): string[] => {
	const metrics = run.stepList.find(({ key }) => key === "validate")?.metrics ?? [];
	const measured = metrics.find(({ name }) => name === "accuracy")?.value;
	const changed = quiz.answers.filter(({ digit }, row) => digit !== heldOut.answers[row]).length;
	return [
		...(measured === accuracyOf(quiz) ? [] : [`validate measured an accuracy of ${measured}`]),
		...(changed === 0 ? [] : [`${changed} rows got another answer than in validate`]),
	];
};

/** The same as a request by hand would carry. */
const writeRequest = (path: string, heldOut: HeldOut): string => {
	const input = { name: "pixels", datatype: "FP32", shape: [1, 64], data: rowOf(heldOut, 0) };
	writeFileSync(path, JSON.stringify({ inputs: [input] }));
	return path;
};

/** Returns whether the model answers as it was validated. */
const demo = async (root: string, keep: boolean): Promise<boolean> => {
	const home = resolveHome(root);
	say(style.bold("runmesh demo: a mesh on this machine, a pipeline on real data, a served model"), "");
	const startedAt = performance.now();
	const elapsed = (): string => formatDuration(performance.now() - startedAt);
	const ports = { httpPort: 0, grpcPort: 0, natsPort: 0, agentGrpcPort: 0, servingPort: 0 };
	mesh = await startMesh({ home, ...ports, agents: 1, onEvent: onMeshEvent, signal: interrupt.signal });
	const { url, credentials, agents } = mesh;
	say(`${style.good("✓")} mesh up in ${elapsed()}: ${url}, agent ${agents.map(({ name }) => name).join(", ")}`, "");

	const client = createApiClient({ url, token: credentials.apiToken });
	const run = await runPipeline(client);
	if (run.state !== "succeeded") {
		say(...(await failureTail(client, run, style)));
		return false;
	}
	const heldOut = await fetchHeldOut(client, run.id, root);
	const served = await findServed(client, credentials.inferenceToken);
	say(`asking ${served.model} at ${served.endpoint} about ${heldOut.labels.length} digits it has never seen`, "");
	const quiz = await askAll(served, heldOut, interrupt.signal);
	say(...drawAnswers(chooseDrawn(quiz.answers, stdout.columns ?? 80), style), "");

	const differs = differences(run, heldOut, quiz);
	const [score = "", ...details] = describeQuiz(quiz);
	if (differs.length === 0) say(`${style.good("✓")} ${score}, exactly as validate measured it`);
	else say(`${style.bad("✗")} ${score}, but ${differs.join(", and ")}`);
	say(...[...details, ...describePlaces(run), `${elapsed()} in all`].map((line) => style.dim(`  ${line}`)), "");

	if (keep) {
		const requestFile = writeRequest(join(root, "digit.json"), heldOut);
		say(...describeKept({ home: root, url, served, requestFile, credentialsFile: home.credentials }, style), "");
		await new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
	}
	return differs.length === 0;
};

const cleanUp = async (root: string): Promise<void> => {
	await mesh?.stop();
	mesh = null;
	rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	say(style.dim("everything is stopped and removed"));
};

const explain = (thrown: unknown, root: string): number => {
	if (interrupt.signal.aborted) {
		say(style.waiting("interrupted"));
		return INTERRUPTED;
	}
	const error = toRunmeshError(thrown);
	console.error(style.bad(`${error.code}: ${error.message}`));
	// A log that is removed with the home helps nobody; its last lines are in the message.
	if (error.hint && !error.hint.includes(root)) console.error(error.hint);
	return errorTable[error.code].exit;
};

/** Returns the exit code. */
const main = async (): Promise<number> => {
	let keep: boolean;
	try {
		keep = parseArgs({ options: { keep: { type: "boolean", default: false } } }).values.keep;
	} catch (error) {
		console.error(`${(error as Error).message}\nusage: npm run demo [-- --keep]`);
		return errorTable.RM_BAD_INPUT.exit;
	}
	const root = mkdtempSync(join(realpathSync(tmpdir()), "runmesh-demo-"));
	try {
		return (await demo(root, keep)) ? 0 : 1;
	} catch (thrown) {
		return explain(thrown, root);
	} finally {
		await cleanUp(root);
	}
};

process.exitCode = await main();
