/** What a mesh keeps in its home: all of it is there again after `runmesh down` and another `runmesh up`. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AgentView, ArtifactView, DeploymentView, ModelView, Page, RunDetail, RunSummary } from "#shared/api.ts";
import { addModel } from "#test/support/onnx-models.ts";
import { newPlace } from "#test/support/real-mesh.ts";

const freePorts = ["http", "grpc", "nats", "agent-grpc", "serving"].flatMap((name) => [`--${name}-port`, "0"]);

test("runs, logs, artifacts and models are there again, and a step that ran meanwhile is taken up", async () => {
	const place = newPlace();
	const good = async (...args: string[]): Promise<string> => {
		const { code, stdout, stderr } = await place.run(...args);
		expect({ code, stderr }, `${args.join(" ")}:\n${stdout}`).toEqual({ code: 0, stderr: "" });
		return stdout.toString();
	};
	const up = (): Promise<string> => good("up", "--detach", "--name", "lab", ...freePorts);
	const kept = async (run: string): Promise<unknown> => ({
		run: await place.json<RunDetail>("runs", "show", run),
		log: await good("logs", run, "make"),
		artifacts: (await place.json<ArtifactView[]>("artifacts", "ls", run)).map(
			({ holders: _, ...artifact }) => artifact,
		),
		models: await place.json<ModelView[]>("models", "ls"),
	});

	const go = join(place.folder, "go");
	const model = place.write("model", {
		"pipeline.yaml": `name: model
steps:
  make: {run: 'echo making; cp model.onnx "$RUNMESH_OUTPUTS/"', outputs: {model: model.onnx}}
  deploy: {uses: deploy, with: {model: make.model, name: adder}}
`,
		"model.onnx": addModel(3),
	});
	const patient = place.write("patient", {
		"pipeline.yaml": `name: patient
steps:
  wait: {run: 'echo before; until [ -e "${go}" ]; do sleep 0.02; done; echo after'}
  next: {needs: [wait], run: echo next}
`,
	});
	await up();
	onTestFinished(async () => void (await place.run("down")));
	const { id: made } = await place.json<RunDetail>("run", join(model, "pipeline.yaml"));
	const following = place.start("run", join(patient, "pipeline.yaml"));
	await following.printed(/│ before/);
	const before = await kept(made);
	following.kill("SIGINT");
	expect(await following.finished).toMatchObject({ code: 130 });
	await good("down");
	writeFileSync(go, "");

	await up();
	expect(await kept(made)).toEqual(before);
	const [waiting] = (await place.json<Page<RunSummary>>("runs", "ls", "--pipeline", "patient")).items;
	const followed = place.start("logs", waiting?.id ?? "", "-f");
	expect(await followed.finished).toMatchObject({ code: 0 });
	const run = await place.json<RunDetail>("runs", "show", waiting?.id ?? "");
	expect(run.stepList.map(({ key, state, attempts }) => [key, state, attempts.length])).toEqual([
		["wait", "succeeded", 1],
		["next", "succeeded", 1],
	]);
	expect(await good("logs", run.id, "wait")).toBe("before\nafter\n");
	expect(await place.json<AgentView[]>("agents", "ls")).toMatchObject([{ name: "lab", state: "online" }]);

	await good("run", join(model, "pipeline.yaml"), "--no-logs");
	expect(await place.json<DeploymentView[]>("deployments", "ls")).toMatchObject([{ version: 1 }]);
	expect(await good("infer", "adder", "--input", "x=[1]")).toBe("y  FP32 [1]  4\n");
});
