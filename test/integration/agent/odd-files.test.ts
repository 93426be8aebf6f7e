/** A step may put anything in the place of the agent's own files beside it: nothing of that holds up the agent. */

import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const RECORDS = [
	...["task.bin", "params.json", "metrics.jsonl", "stdout", "stderr", "devices.json", "environment.json", "launch.sh"],
	...["code-marks.json", "stop.json", "pause.json", "outcome.bin", "container.json", "container-end.json"],
	...["task.bin.new", "stop.json.new", "pause.json.new", "outcome.bin.new", "stdout.limit", "stdout.limit.new"],
];

/** In the attempt's folder, above the step's own. */
const replaceAll = (names: readonly string[], by: string): string =>
	`cd ..; for name in ${names.join(" ")}; do rm -f $name; ${by} $name; done`;

test("pipes in the place of an attempt's records: it ends, and the agent works on", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("pipes", `echo said; sleep 0.2; ${replaceAll(RECORDS, "mkfifo")}; exit 3`);
	await rig.send(task);
	expect((await rig.finished(task)).outcome).toBe("failed");
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});

test.each([
	["pipes", "mkfifo"],
	["folders", "mkdir"],
])("%s in the place of the records of an attempt that runs: an agent that starts again works on", async (_, by) => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = commandTask("odd", `${replaceAll([...RECORDS, "process"], by)}; : > $RUNMESH_OUTPUTS/done; sleep 300`);
	await rig.send(task);
	await rig.started(task);
	const done = `${rig.folder(task)}/outputs/done`;
	await expect.poll(() => existsSync(done), { timeout: 20_000 }).toBe(true);
	rig.settling = false;
	await rig.endAgent("SIGKILL");
	await rig.startAgent();
	const next = commandTask("next", "true");
	await rig.send(next);
	expect((await rig.finished(next)).outcome).toBe("succeeded");
});
