/** Two agents on one machine, each with a folder of its own: steps go to both, and so do the files between them. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ArtifactView, RunDetail } from "#shared/api.ts";
import { type RealMesh, startRealMesh } from "#test/support/real-mesh.ts";

/** A step that asks for so many cores has an agent for itself. */
const allCores = async (mesh: RealMesh): Promise<number> => {
	const capacities = (await mesh.client.agents()).map(({ capacity }) => capacity?.cpuMillis ?? 0);
	expect(capacities).toHaveLength(2);
	return Math.min(...capacities) / 1000;
};

/** Shell that leaves a mark in the folder, and goes on once there are two: not before another one runs beside it. */
const beside = (marks: string): string =>
	`: > "${marks}/$RUNMESH_STEP"; until [ "$(ls "${marks}" | wc -l)" -ge 2 ]; do sleep 0.02; done`;

const agentsOf = (run: RunDetail, name: string): string[] =>
	run.stepList.filter((step) => step.name === name).map(({ attempts }) => attempts.at(-1)?.agent ?? "");

test("parallel steps run on both agents", async () => {
	const mesh = await startRealMesh({ agents: 2 });
	const marks = join(mesh.folder, "marks");
	mkdirSync(marks);
	const folder = mesh.write("parallel", {
		"pipeline.yaml": `name: parallel
steps:
  work:
    matrix: {n: [1, 2, 3, 4]}
    run: '${beside(marks)}'
    resources: {cpu: ${await allCores(mesh)}}
`,
	});
	const run = await mesh.json<RunDetail>("run", join(folder, "pipeline.yaml"));
	expect(run.state).toBe("succeeded");
	expect(new Set(agentsOf(run, "work"))).toEqual(new Set(["lab", "lab-2"]));
	expect(run.stepList.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1, 1]);
});

test("what one agent made the other one takes, to the last byte", async () => {
	const mesh = await startRealMesh({ agents: 2 });
	const marks = join(mesh.folder, "marks");
	mkdirSync(marks);
	const bytes = randomBytes(5_000_000);
	const folder = mesh.write("hand-over", {
		"pipeline.yaml": `name: hand-over
defaults: {resources: {cpu: ${await allCores(mesh)}}}
steps:
  seed: {run: 'cp data.bin "$RUNMESH_OUTPUTS/data.bin"', outputs: {data: data.bin}}
  make:
    inputs: {data: seed.data}
    run: |
      mkdir -p "$RUNMESH_OUTPUTS/tree/sub"
      cp "$RUNMESH_INPUTS/data" "$RUNMESH_OUTPUTS/tree/sub/data.bin"
      echo made >> "$RUNMESH_OUTPUTS/tree/sub/data.bin"
    outputs: [tree]
  use:
    matrix: {n: [1, 2]}
    inputs: {tree: make.tree}
    run: |
      ${beside(marks)}
      cp "$RUNMESH_INPUTS/tree/sub/data.bin" "$RUNMESH_OUTPUTS/copy.bin"
    outputs: {copy: copy.bin}
`,
		"data.bin": bytes,
	});
	const run = await mesh.json<RunDetail>("run", join(folder, "pipeline.yaml"));
	// One of the two has made the tree; the other can only have it from there.
	expect(agentsOf(run, "use").sort()).toEqual(["lab", "lab-2"]);

	const made = Buffer.concat([bytes, Buffer.from("made\n")]);
	const copies = (await mesh.json<ArtifactView[]>("artifacts", "ls", run.id)).filter(({ name }) => name === "copy");
	expect(copies.map(({ step }) => step)).toEqual(["use.0", "use.1"]);
	for (const { step } of copies) {
		const target = join(mesh.folder, step);
		const { path } = await mesh.json<{ path: string }>("artifacts", "get", run.id, `${step}.copy`, "-d", target);
		expect(readFileSync(path).equals(made), step).toBe(true);
	}
});
