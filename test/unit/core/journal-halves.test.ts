import { expect, it } from "vitest";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

it("a successor concludes what its predecessor's last turn left half written", () => {
	const story = (): CoreMesh => {
		const mesh = new CoreMesh();
		mesh.agent("a1");
		mesh.submit(pipelineOf(stepOf("one"), stepOf("two", { needs: ["one"] }), stepOf("three", { needs: ["two"] })));
		mesh.finish(mesh.takeTask("one"));
		mesh.finish(mesh.takeTask("two"), "failed");
		return mesh;
	};
	const whole = story().journal.length;
	// From the submission on, after every single event.
	const submitted = story().journal.findIndex(({ kind }) => kind === "runSubmitted");
	for (let kept = submitted + 1; kept < whole; kept++) {
		const mesh = story();
		mesh.journal.length = kept;
		mesh.tasks = [];
		mesh.restart();
		mesh.agent("a1");
		if (!mesh.settled("r1" as never).one) mesh.finish(mesh.takeTask("one"));
		if (!mesh.settled("r1" as never).two) mesh.finish(mesh.takeTask("two"), "failed");
		expect(mesh.settled("r1" as never), `after ${kept} of ${whole} events`).toEqual({
			one: "succeeded",
			two: "failed",
			three: "skipped",
		});
		expect(mesh.outcome("r1" as never)).toBe("failed");
	}
});

it("an agent that reports success without a declared output has failed the step, and the mesh goes on", () => {
	const mesh = new CoreMesh();
	mesh.agent("a1");
	const made = stepOf("make", { outputs: { model: "m" } });
	const used = stepOf("use", { needs: ["make"], inputs: { model: { step: "make", output: "model" } } });
	mesh.submit(pipelineOf(made, used));
	mesh.finish(mesh.takeTask("make"), "succeeded", { outputs: [] });
	expect(mesh.settled("r1" as never)).toEqual({ make: "failed", use: "skipped" });
});
