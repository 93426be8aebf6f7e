import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import { watchRun } from "#cli/lib/watch.ts";
import { plainProgress, summarize } from "#cli/output/progress.ts";
import { createStyle } from "#cli/output/style.ts";
import type { LogRecord, RunDetail } from "#shared/api.ts";
import { runDetail, stepView } from "#test/support/run-detail.ts";
import { sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

const patience = { firstDelayMs: 5, maxDelayMs: 20, giveUpAfterMs: 30_000 };
const style = createStyle(false);

const attempt = (number: number, agent = "lab-1") => ({
	id: `r0test.train.${number}`,
	number,
	state: "running" as const,
	agent,
	leasedAtMs: 1,
	startedAtMs: 1,
	finishedAtMs: null,
	failure: null,
	reason: "",
	members: [],
	usage: null,
});

const log = (offset: number, line: string): LogRecord => ({
	step: "train",
	attempt: 1,
	stream: "stdout",
	atMs: 1,
	offset,
	text: line,
});

const stages: RunDetail[] = [
	runDetail([stepView("train")]),
	runDetail([stepView("train", { state: "running", attempts: [attempt(1)], startedAtMs: 1 })]),
	runDetail(
		[
			stepView("train", {
				state: "succeeded",
				attempts: [attempt(1)],
				startedAtMs: 1_000,
				finishedAtMs: 4_200,
				metrics: [{ name: "accuracy", value: 0.97, step: 3 }],
			}),
		],
		{ state: "succeeded", finishedAtMs: 1_700_000_005_000 },
	),
];

/** A coordinator whose run moves on each time that its detail is read, and is told by an event. */
const startRun = async (more: { onStage?: (stage: number) => void } = {}) => {
	let stage = 0;
	let rings: (() => void)[] = [];
	const server = await startTinyHttp((request, response) => {
		const path = request.url ?? "";
		if (path.startsWith("/api/v1/events")) {
			response.writeHead(200, { "content-type": "text/event-stream" });
			const ring = () => response.write(`id: ${stage}.0\ndata: {"id":"${stage}.0"}\n\n`);
			rings.push(ring);
			ring();
		} else if (path.includes("/logs")) {
			response.write(`${JSON.stringify(log(0, "epoch 1\n"))}\n`);
			if (stage === 2) response.end(`${JSON.stringify(log(8, "epoch 2\n"))}\n`);
		} else {
			sendJson(response, 200, stages[stage]);
			more.onStage?.(stage);
			stage = Math.min(2, stage + 1);
			for (const ring of rings) ring();
		}
	});
	onTestFinished(() => server.stop());
	const cut = async (): Promise<void> => {
		rings = [];
		await server.stop();
	};
	return { server, cut, client: createApiClient({ url: server.url, token: null }) };
};

const watch = async (
	client: ReturnType<typeof createApiClient>,
	signal = new AbortController().signal,
	logs = true,
) => {
	const out = new PassThrough();
	const printed = text(out);
	const progress = plainProgress(out, style, { colors: false });
	const run = await watchRun(client, stages[0] as RunDetail, progress, { logs, signal, patience });
	out.end();
	return { run, lines: (await printed).trimEnd().split("\n") };
};

test("a run is followed to its end: changes, metrics and log lines, each once", async () => {
	const { client } = await startRun();
	const { run, lines } = await watch(client, undefined, false);
	expect(run?.state).toBe("succeeded");
	expect(lines).toEqual([
		"run r0test  digits  1 step",
		"▸ running train  on lab-1",
		"✓ succeeded train  3.2s  accuracy=0.97",
	]);
	expect(summarize(run as RunDetail, style)).toEqual(["run r0test succeeded in 5.0s: 1 succeeded"]);
});

test("a coordinator that restarts in the middle does not end it", async () => {
	let restarted: Promise<void> | undefined;
	const { client, server, cut } = await startRun({
		onStage: (stage) => {
			if (stage !== 1 || restarted) return;
			restarted = new Promise((resolve) => {
				setImmediate(async () => {
					await cut();
					setTimeout(() => resolve(server.start()), 200);
				});
			});
		},
	});
	const { run, lines } = await watch(client);
	await restarted;
	expect(run?.state).toBe("succeeded");
	expect(lines.filter((line) => line === "train │ epoch 1")).toHaveLength(1);
	expect(lines.filter((line) => line === "train │ epoch 2")).toHaveLength(1);
	expect(lines.filter((line) => line.startsWith("✓ succeeded train"))).toHaveLength(1);
});

test("leaving does not wait for the run", async () => {
	const leave = new AbortController();
	const { client } = await startRun({ onStage: (stage) => stage === 0 && leave.abort() });
	expect((await watch(client, leave.signal)).run).toBeNull();
});

test("the summary of a failed run says why and where to look", () => {
	const failure = { cause: "error" as const, message: "exit code 3", exitCode: 3, signal: "" };
	const steps = [
		stepView("train", { state: "failed", failure, attempts: [attempt(1)] }),
		stepView("deploy", { state: "skipped", reason: "train failed" }),
	];
	const run = runDetail(steps, { state: "failed", finishedAtMs: 1_700_000_000_900 });
	expect(summarize(run, style)).toEqual([
		"run r0test failed in 900ms: 1 failed, 1 skipped",
		"✗ train  error: exit code 3",
		"  runmesh logs r0test train",
		"again, what did not succeed: runmesh runs retry r0test",
	]);
});
