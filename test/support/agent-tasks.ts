/** Tasks as a leader would send them, for tests of the agent. */

import type { Task } from "#shared/domain.ts";
import type { AttemptId, RunId, StepKey } from "#shared/ids.ts";

export const commandTask = (step: string, command: string, more: Partial<Task> = {}): Task => {
	const attemptNumber = more.attemptNumber ?? 1;
	const runId = more.runId ?? ("rtest" as RunId);
	return {
		runId,
		pipeline: "test",
		stepKey: step as StepKey,
		attemptId: `${runId}.${step}.${attemptNumber}` as AttemptId,
		attemptNumber,
		fence: attemptNumber,
		leaderEpoch: 1,
		action: { kind: "command", command, shell: ["/bin/sh", "-c"], workdir: "" },
		env: {},
		inputs: [],
		outputs: [],
		resources: { cpuMillis: 100, memoryBytes: 1024 ** 2, gpu: null, diskBytes: 0, named: {} },
		paramsJson: "{}",
		timeoutMs: 0,
		graceMs: 10_000,
		code: null,
		trackCode: false,
		...{ image: "", environment: null, limits: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 }, gang: null },
		...more,
	};
};

export const noopTask = (step: string, more: Partial<Task> = {}): Task =>
	commandTask(step, "", { action: { kind: "noop" }, ...more });
