/** Outputs that the pipeline goes on by: the report says what they say, or the attempt fails in words that help. */

import { expect, test } from "vitest";
import type { Task } from "#shared/domain.ts";
import { agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";

const writing = (step: string, command: string, ...names: string[]): Task =>
	commandTask(step, `cd $RUNMESH_OUTPUTS; ${command}`, {
		outputs: names.map((name) => ({ name, path: name, asValue: true })),
	});

test("values come with the report, and their artifacts as ever", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const task = writing(
		"good",
		`echo '{"b": 1, "a": [2]}' >json; echo hello there >text; : >empty`,
		"json",
		"text",
		"empty",
	);
	task.outputs.push({ name: "plain", path: "json", asValue: false });
	await rig.send(task);
	const { outcome, outputs } = await rig.finished(task);
	expect(outcome).toBe("succeeded");
	expect(outputs.map(({ name, valueJson }) => [name, valueJson])).toEqual([
		["json", '{"a":[2],"b":1}'],
		["text", '"hello there"'],
		["empty", '""'],
		["plain", undefined],
	]);
	expect(outputs[0]).toMatchObject({ sizeBytes: 19, fileCount: 1, holders: ["box"], digest: outputs[3]?.digest });
});

test("what can't be a value fails the attempt: its outputs are to blame", async () => {
	const rig = await agentRig();
	await rig.startAgent();
	const refusals: [Task, string][] = [
		[writing("missing", ":", "out"), 'output "out" is missing: $RUNMESH_OUTPUTS/out does not exist'],
		[writing("folder", "mkdir out; echo 1 >out/a", "out"), "$RUNMESH_OUTPUTS/out is a folder"],
		[
			writing("large", "head -c 70000 /dev/zero | tr '\\0' x >out", "out"),
			"holds 70000 bytes, 65536 (64 KiB) are allowed",
		],
		[writing("binary", "printf '\\377\\376' >out", "out"), "no UTF-8 text"],
		[writing("nul", "printf 'a\\000b' >out", "out"), "without NUL bytes"],
		[
			writing(
				"together",
				"for n in 1 2 3 4 5; do head -c 60000 /dev/zero | tr '\\0' x >o$n; done",
				"o1",
				"o2",
				"o3",
				"o4",
				"o5",
			),
			"300010 bytes of JSON together",
		],
	];
	for (const [task] of refusals) await rig.send(task);
	for (const [task, says] of refusals) {
		const { outcome, failure, outputs } = await rig.finished(task);
		expect({ step: task.stepKey, outcome, cause: failure?.cause, outputs }).toEqual({
			...{ step: task.stepKey, outcome: "failed", cause: "output", outputs: [] },
		});
		expect(failure?.message).toContain(says);
	}
});
