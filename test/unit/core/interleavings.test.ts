import fc from "fast-check";
import { expect, it } from "vitest";
import { apply } from "#coordinator/core/apply.ts";
import { newMeshState } from "#coordinator/core/state.ts";
import type { FailureCause, Task } from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import { anyPipeline } from "#test/support/random-pipelines.ts";
import { journaledView } from "#test/support/same-journal.ts";
import { StoryMesh } from "#test/support/story-mesh.ts";

type Act = (mesh: Crowd, pick: number) => void;

/** A mesh with what its agents hold, to be chosen from by number. */
class Crowd extends StoryMesh {
	taken: Task[] = [];
	#compared = 0;

	take(): void {
		for (const { stepKey } of [...this.tasks]) this.taken.push(this.takeTask(stepKey));
	}

	pop(pick: number): Task | undefined {
		this.take();
		return this.taken.splice(pick % Math.max(1, this.taken.length), 1)[0];
	}

	end(task: Task, outcome: "succeeded" | "failed" | "cancelled", pick = 0): void {
		const causes: FailureCause[] = ["error", "timeout", "oom", "lost", "gate"];
		const cause = causes[pick % causes.length] ?? "error";
		const metrics = [{ name: "accuracy", value: pick % 7, step: 0 }];
		const failure = { cause, message: "", signal: "" };
		const values = { out: pick % 3 === 0 ? "text" : [1, 2, 3].slice(0, pick % 4) };
		this.finish(task, outcome, outcome === "failed" ? { failure } : { metrics, values });
	}

	runIds(): RunId[] {
		return [...this.state.runs.keys()];
	}

	stepKeys(runId: RunId | undefined): string[] {
		return runId === undefined ? [] : [...(this.state.runs.get(runId)?.steps.keys() ?? [])];
	}

	/** Answers what the shell was asked. */
	compare(match: boolean): void {
		for (const effect of this.effects.slice(this.#compared)) {
			if (effect.kind !== "compareCode") continue;
			const { runId, stepKey } = effect;
			this.give({ kind: "codeCompared", runId, stepKey, match: match ? 0 : null, differing: [] });
		}
		this.#compared = this.effects.length;
	}

	serve(state: "serving" | "failed"): void {
		for (const deployment of [...this.state.deployments.values()]) {
			for (const id of deployment.agentIds) {
				if (this.state.agents.get(id)?.advert)
					this.replica(id, "digits", deployment.version, deployment.revision, state);
			}
		}
	}
}

const agents = ["a1", "a2"] as AgentId[];
const at = <T>(list: readonly T[], pick: number): T | undefined => list[pick % Math.max(1, list.length)];

const withTask =
	(act: (mesh: Crowd, task: Task, pick: number) => void): Act =>
	(mesh, pick) => {
		const task = mesh.pop(pick);
		if (task) act(mesh, task, pick);
	};

const acts: Record<string, Act> = {
	succeed: withTask((mesh, task, pick) => mesh.end(task, "succeeded", pick)),
	succeedToo: withTask((mesh, task, pick) => mesh.end(task, "succeeded", pick)),
	fail: withTask((mesh, task, pick) => mesh.end(task, "failed", pick)),
	stop: withTask((mesh, task) => mesh.end(task, "cancelled")),
	twice: withTask((mesh, task, pick) => {
		mesh.end(task, "succeeded", pick);
		mesh.end(task, "failed", pick);
	}),
	decline: withTask((mesh, task) => mesh.decline(task, "full")),
	start: withTask((mesh, task) => {
		mesh.start(task);
		mesh.taken.push(task);
	}),
	startAll: (mesh) => {
		mesh.take();
		for (const task of mesh.taken) mesh.start(task);
	},
	lose: (mesh, pick) => mesh.lose(agents[pick % 2] as AgentId),
	comeBack: (mesh, pick) => mesh.comeBack(agents[pick % 2] as AgentId),
	forget: (mesh, pick) => mesh.forget(agents[pick % 2] as AgentId, `s${pick}`),
	beat: (mesh, pick) => mesh.beat(agents[pick % 2] as AgentId),
	wait: (mesh, pick) => mesh.wait(pick * 10),
	cancelRun: (mesh, pick) => mesh.cancelRun(at(mesh.runIds(), pick) ?? ("r0" as RunId)),
	cancelStep: (mesh, pick) => {
		const run = at(mesh.runIds(), pick);
		mesh.cancelStep(run ?? ("r0" as RunId), at(mesh.stepKeys(run), pick) ?? "s0");
	},
	answer: (mesh, pick) => {
		const step = at([...mesh.state.held], pick);
		if (step) mesh.answer(step.run.id, step.key, pick % 4 > 0);
	},
	compare: (mesh, pick) => mesh.compare(pick % 2 === 0),
	serve: (mesh, pick) => mesh.serve(pick % 3 === 0 ? "failed" : "serving"),
	handOver: (mesh) => mesh.handOver(),
};

const sameAsReplayed = (mesh: Crowd): void => {
	const replayed = newMeshState();
	for (const event of mesh.journal) apply(replayed, event);
	expect(journaledView(replayed)).toEqual(journaledView(mesh.state));
};

/** Every group here holds one. */
const groupsHold = ({ state }: Crowd): void => {
	for (const [group, steps] of state.stepGroups) expect(steps.size, `of the group ${group}`).toBe(1);
	for (const runs of state.runGroups.values()) {
		expect([...runs].filter(({ status }) => status !== "queued").length).toBeLessThanOrEqual(1);
	}
};

const code = { name: "code", sizeBytes: 1, fileCount: 1, holders: ["coordinator"] };
const codes = ["a", "b"].map((letter) => ({ ...code, digest: `sha256:${letter.repeat(64)}` as never }));

/** All are heard, all goes well: whatever happened before, every run ends. */
const heal = (mesh: Crowd): void => {
	for (const agentId of agents) mesh.agent(agentId, 4);
	for (let round = 0; mesh.state.runs.size > 0; round++) {
		const left = [...mesh.state.runs.values()].map((run) => [run.id, run.status, mesh.steps(run.id)]);
		expect(round, `unfinished: ${JSON.stringify(left)}`).toBeLessThan(60);
		mesh.compare(false);
		for (let task = mesh.pop(0); task; task = mesh.pop(0)) mesh.end(task, "succeeded", 4);
		for (const step of [...mesh.state.held]) mesh.answer(step.run.id, step.key, true);
		mesh.serve("serving");
		mesh.wait(10_000);
	}
	expect(mesh.state.attempts.size).toBe(0);
	expect([...mesh.state.stepGroups.keys()]).toEqual([]);
	for (const { node } of mesh.state.agents.values()) expect(node.claims).toBe(0);
};

const anyScript = fc.record({
	pipelines: fc.array(anyPipeline, { minLength: 1, maxLength: 3 }),
	acts: fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat(3_000)), { maxLength: 40 }),
});

it("whatever comes in whatever order is taken, replays to the same, and ends", () => {
	fc.assert(
		fc.property(anyScript, ({ pipelines, acts: script }) => {
			const mesh = new Crowd();
			for (const agentId of agents) mesh.agent(agentId, 4);
			const params = { flag: true };
			for (const [index, pipeline] of pipelines.entries()) {
				mesh.submit(pipeline, `r${index}`, { params, code: codes[index % 2] ?? null });
			}
			for (const [name, pick] of script) {
				acts[name]?.(mesh, pick);
				sameAsReplayed(mesh);
				groupsHold(mesh);
			}
			heal(mesh);
			sameAsReplayed(mesh);
		}),
		{ numRuns: 200 },
	);
});
