/** Domain values come back from the wire as they went. */

import { expect, test } from "vitest";
import type { Report } from "#shared/domain.ts";
import type { AgentId, AttemptId, Digest, RunId, StepKey } from "#shared/ids.ts";
import { reportCodec, reportsCodec, taskCodec } from "#shared/wire/codec.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

test("a task, whatever its variables are called", () => {
	const task = commandTask("train", "true", {
		env: { _UNDERSCORE: "1", __proto: "2", _exitCode: "exitCode", PLAIN: "3" },
		outputs: [{ name: "shards", path: "shards.json", asValue: true }],
		trackCode: true,
	});
	expect(taskCodec.decode(taskCodec.encode(task))).toEqual(task);
});

test("a report, with what is optional and without", () => {
	const ref = {
		name: "out",
		digest: `sha256:${"1".repeat(64)}` as Digest,
		sizeBytes: 1,
		fileCount: 1,
		holders: ["box"],
	};
	const report: Report = {
		reportId: "r1.a.1:1:finished",
		agentId: "box" as AgentId,
		atMs: 5,
		body: {
			kind: "attemptFinished",
			attempt: { runId: "r1" as RunId, stepKey: "a" as StepKey, attemptId: "r1.a.1" as AttemptId, fence: 1 },
			outcome: "failed",
			failure: { cause: "error", message: "no", exitCode: 0, signal: "" },
			outputs: [{ ...ref, valueJson: "[1]" }, ref],
			metrics: [],
			...{ startedAtMs: 1, finishedAtMs: 2, logBytes: 3, logDroppedBytes: 4 },
			codeUse: { paths: ["./", "train.mjs"], key: "sha256:2", readsParams: false },
			usage: {
				...{ setupMs: 1, cpuSeconds: 2.5, peakMemoryBytes: 3, gpuSeconds: 0.5, peakGpuMemoryBytes: 4 },
				limits: { memory: "cgroup v2" },
			},
		},
	};
	const { body } = reportCodec.decode(reportCodec.encode(report));
	expect(body).toEqual(report.body);
	expect(body.kind === "attemptFinished" && Object.keys(body.outputs[1] ?? {})).not.toContain("valueJson");
});

test("reports, one as it is and several together", () => {
	const started = (step: string): Report => ({
		reportId: `r1.${step}.1:1:started`,
		agentId: "box" as AgentId,
		atMs: 5,
		body: {
			kind: "attemptStarted",
			attempt: { runId: "r1" as RunId, stepKey: step as StepKey, attemptId: `r1.${step}.1` as AttemptId, fence: 1 },
		},
	});
	const [one, two] = [started("a"), started("b")];
	expect(reportsCodec.encode([one])).toEqual(reportCodec.encode(one));
	expect(reportsCodec.decode(reportsCodec.encode([one]))).toEqual([one]);
	expect(reportsCodec.decode(reportsCodec.encode([one, two]))).toEqual([one, two]);
});
