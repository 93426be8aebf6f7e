/** A GPU that breaks while a step works on it: the step runs elsewhere, at no cost to its retries. */

import { delimiter, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { homeEnv } from "#test/support/command-line.ts";
import { ended, startRealMesh } from "#test/support/real-mesh.ts";
import { standInNvidiaIn, twoGpus } from "#test/support/stand-in-nvidia.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";

test("a step whose GPU is lost is run again on the other one", async () => {
	const folder = newFolder();
	onTestFinished(() => removeFolder(folder));
	const tool = standInNvidiaIn(join(folder, "bin"));
	const env = { ...homeEnv(join(folder, "home")), PATH: [tool.bin, process.env.PATH].join(delimiter) };
	const mesh = await startRealMesh({ env });
	const lost = "Unable to determine the device handle for GPU1: 0000:5E:00.0: GPU is lost.";
	const broken = tool.prepare("broken.json", { gpus: twoGpus.slice(0, 1), complaint: lost });
	const code = mesh.write("code", {
		"pipeline.yaml": `name: fault
steps:
  train:
    run: '[ "$CUDA_VISIBLE_DEVICES" = GPU-1 ] || { cp ${broken} ${tool.file}; exit 3; }'
    resources: {gpu: 1}
    retries: 0
`,
	});
	const submitted = await mesh.run("run", join(code, "pipeline.yaml"));
	expect(submitted.code, submitted.stderr.toString()).toBe(0);
	const [run] = (await mesh.client.runs({})).items;
	const { stepList } = await ended(mesh.client, run?.id ?? "");
	expect(stepList[0]?.attempts.map(({ state, failure }) => [state, failure?.cause ?? null])).toEqual([
		["lost", "lost"],
		["succeeded", null],
	]);
	const shown = (await mesh.run("agents", "show", "lab")).stdout.toString();
	expect(shown).toContain("GPU is lost");
});
