/**
 * A pipeline with all there is (outputs, a matrix, select, gates, deploy) whose steps print numbered lines for a while
 * and leave a mark outside the mesh each time they are really executed; and what must be true of it in the end,
 * whatever was killed meanwhile.
 */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { seededRandom } from "#shared/random.ts";
import { addModel } from "./onnx-models.ts";
import { journalOf, type Place, type RealMesh } from "./real-mesh.ts";

const LINES = 30;
/** Those that run a command, in the order they become ready. */
const COMMANDS = ["prepare", "train.0", "train.1", "train.2", "validate"] as const;

const golden = {
	inputs: { x: { datatype: "FP32", shape: [3], data: [1, 2, 3] } },
	outputs: { y: { datatype: "FP32", shape: [3], data: [3, 4, 5] } },
};

const script = `#!/bin/sh
# step.sh <folder for marks>
echo "$RUNMESH_ATTEMPT" >>"$1/$RUNMESH_STEP"
number=1
while [ "$number" -le ${LINES} ]; do
	echo "line $number of ${LINES}"
	sleep 0.04
	number=$((number + 1))
done
`;

const pipeline = (marks: string): string => `name: fault
defaults: {resources: {cpu: 0.5, memory: 16Mi}}
steps:
  prepare:
    run: sh step.sh "${marks}" && cp model.onnx "$RUNMESH_OUTPUTS/dataset"
    outputs: [dataset]
  train:
    inputs: {dataset: prepare.dataset}
    matrix: {quality: [1, 3, 2]}
    run: |
      sh step.sh "${marks}"
      cp "$RUNMESH_INPUTS/dataset" "$RUNMESH_OUTPUTS/model.onnx"
      echo '{"name": "accuracy", "value": 0.\${{ matrix.quality }}}' >>"$RUNMESH_METRICS"
    outputs: {model: model.onnx}
  best: {uses: select, with: {from: train, metric: accuracy}}
  validate:
    inputs: {model: best.model}
    run: |
      sh step.sh "${marks}" && cp golden.json "$RUNMESH_OUTPUTS/golden.json"
      echo '{"name": "agreement", "value": 1}' >>"$RUNMESH_METRICS"
    outputs: {golden: golden.json}
    gates: [agreement >= 0.5]
  deploy: {uses: deploy, with: {model: best.model, name: adder, golden: validate.golden}}
`;

/** Writes it into the place; returns the pipeline file's path. */
export const writeFaultPipeline = (place: Place): string => {
	const marks = join(place.folder, "marks");
	mkdirSync(marks);
	const folder = place.write("pipeline", {
		"pipeline.yaml": pipeline(marks),
		"step.sh": script,
		"model.onnx": addModel(2),
		"golden.json": JSON.stringify(golden),
	});
	return join(folder, "pipeline.yaml");
};

/** A moment while a step runs, as `run` shows it. */
export interface Moment {
	step: string;
	line: number;
	shown: RegExp;
}

/** `count` moments in the order they come, drawn with a seed that is printed; RUNMESH_TEST_SEED draws the same again. */
export const drawMoments = (test: string, count: number): Moment[] => {
	const seed = Number(process.env.RUNMESH_TEST_SEED ?? Date.now() % 1_000_000);
	const random = seededRandom(seed);
	const drawn = Array.from({ length: count }, () => [random.below(COMMANDS.length), 1 + random.below(LINES)] as const)
		.sort(([step, line], [otherStep, otherLine]) => step - otherStep || line - otherLine)
		.map(([index, line]) => moment(COMMANDS[index] ?? "prepare", line));
	const told = drawn.map(({ step, line }) => `${step} at line ${line}`).join(", ");
	console.log(`${test}: RUNMESH_TEST_SEED=${seed} kills during ${told}`);
	return drawn;
};

const moment = (step: string, line: number): Moment => ({
	step,
	line,
	shown: new RegExp(`^${escaped(step)} +│ line ${line} of ${LINES}$`, "m"),
});

const expectedLog = Array.from({ length: LINES }, (_, index) => `line ${index + 1} of ${LINES}\n`).join("");

/** The run is green, each step took effect once, and its log is whole: as stored and as `run` streamed it. */
export const checkFaultRun = async (
	mesh: Pick<RealMesh, "client" | "folder" | "run">,
	streamed: string,
): Promise<void> => {
	const run = await mesh.client.run("latest");
	expect(run.state).toBe("succeeded");
	expect(run.stepList.map(({ key, state }) => `${key} ${state}`)).toEqual(
		["prepare", "train.0", "train.1", "train.2", "best", "validate", "deploy"].map((key) => `${key} succeeded`),
	);
	expect(run.stepList.find(({ key }) => key === "best")?.reason).toContain("train.1");

	const journal = await journalOf(mesh.client, run.id);
	expect(new Set(journal.map(({ id }) => id)).size).toBe(journal.length);
	const settled = journal.filter(({ kind }) => kind === "stepSettled").map(({ step }) => step);
	expect(settled.sort()).toEqual(run.stepList.map(({ key }) => key).sort());
	expect(journal.filter(({ kind }) => kind === "runFinished")).toHaveLength(1);

	for (const key of COMMANDS) {
		const attempts = run.stepList.find((step) => step.key === key)?.attempts ?? [];
		const last = attempts.at(-1);
		const before = attempts.slice(0, -1).map(({ state }) => state);
		expect({ last: last?.state, before }, key).toEqual({ last: "succeeded", before: before.map(() => "lost") });
		const marks = readFileSync(join(mesh.folder, "marks", key), "utf8")
			.trimEnd()
			.split("\n");
		expect(marks, `${key} was executed`).toEqual(attempts.map(({ id }) => id));

		const { stdout } = await mesh.run("logs", run.id, key, "--attempt", String(attempts.length));
		expect(stdout.toString("utf8"), `log of ${key}`).toBe(expectedLog);
		const lines = [...streamed.matchAll(new RegExp(`^${escaped(key)} +│ (.*)$`, "gm"))];
		const shown = lines.map(([, line]) => `${line}\n`).join("");
		if (attempts.length === 1) expect(shown, `${key} as streamed`).toBe(expectedLog);
		else expect(shown, `${key} as streamed`).toContain(expectedLog);
	}
	expect(readdirSync(join(mesh.folder, "marks")).sort()).toEqual([...COMMANDS].sort());
};

const escaped = (key: string): string => key.replace(".", "\\.");
