/** Those who use the mesh: they submit, cancel, approve, and ask again until they are answered. */

import type { Input } from "#coordinator/core/inputs.ts";
import type { MeshState } from "#coordinator/core/state.ts";
import { resolveReuse } from "#coordinator/reuse.ts";
import type { RunId, StepKey } from "#shared/ids.ts";
import type { ParamValue, PipelineDefinition } from "#shared/pipeline/definition.ts";
import { codeTree } from "./code.ts";
import { randomPipeline, withGangs } from "./pipelines.ts";
import { reuseStore } from "./reuse-store.ts";
import { demand, isFinal } from "./seen.ts";
import type { View } from "./view.ts";
import type { World } from "./world.ts";

interface Template {
	definition: PipelineDefinition;
	params: Record<string, ParamValue>;
}

type Submission = Omit<Extract<Input, { kind: "submitRun" }>, "kind">;

type Question = Extract<Input, { runId: RunId }>;

const ASK_AGAIN_MS = 8_000;

export class People {
	readonly #world: World;
	readonly #templates: Template[] = [];
	/** What the mesh has said yes to, as what must be true from then on. */
	readonly #promises: { what: string; isKept(): boolean }[] = [];
	/** Questions without an answer. */
	unanswered = 0;
	#runs = 0;
	/** Approvals somebody looks after. */
	readonly #seen = new Set<string>();

	constructor(world: World, runs: number, isLarge: boolean) {
		this.#world = world;
		const { random } = world;
		const templates = 1 + random.below(2);
		for (let index = 0; index < templates; index++) {
			const params = { p: 1 + random.below(3) };
			const definition = randomPipeline(random, `pipeline-${index}`, isLarge);
			this.#templates.push({ definition: withGangs(random, definition, world.agents.length), params });
		}
		for (let index = 0; index < runs; index++)
			this.#later(random.below(this.#world.faultsMs / 2), () => this.#submit());
	}

	get #view(): View {
		return this.#world.view();
	}

	checkPromises(): void {
		for (const { what, isKept } of this.#promises) demand(isKept(), () => `acknowledged and lost: ${what}`);
	}

	/** Looks after approvals that are asked for; when all is healed, nobody keeps the mesh waiting. */
	seeHeld(runId: RunId, stepKey: StepKey): void {
		const path = `${runId}/${stepKey}`;
		const { random, isHealed } = this.#world;
		if (this.#seen.has(path) || (!isHealed && random.next() < 0.3)) return;
		this.#seen.add(path);
		const approved = random.next() < 0.7;
		const answer: Input = { kind: "answerApproval", runId, stepKey, approved, by: "person", comment: "" };
		const isDone = (): boolean => isFinal(this.#view.runs.get(runId)?.steps.get(stepKey)?.status ?? "gone");
		this.#later(random.below(20_000), () => this.#ask(answer, `the answer to ${path}`, isDone));
	}

	/** One more, when all is healed: the mesh lives. */
	submitLast(): void {
		this.#submit();
	}

	#later(delayMs: number, run: () => void): void {
		this.#world.schedule.after(delayMs, run);
	}

	/** The same question until somebody who leads has answered it. `isKept`: what the answer stands for. */
	#ask(input: Question, what: string, isKept: () => boolean): void {
		let answered = false;
		this.unanswered += 1;
		const answer = (): void => {
			if (answered) return;
			answered = true;
			this.unanswered -= 1;
			demand(isKept() || this.#world.isCut(), () => `acknowledged before it is so: ${what}`);
			this.#promises.push({ what, isKept });
		};
		const ask = (): void => {
			if (answered) return;
			const { coordinators, random } = this.#world;
			const leaders = coordinators.filter(({ leads }) => leads);
			const leader = leaders[random.below(leaders.length)];
			// The API answers by itself for a run that the leader does not have (any more), or a step that it does not hold.
			if (leader && takes(leader.state, input)) leader.take(input, answer);
			else if (input.kind === "answerApproval" ? isKept() : isFinal(this.#view.runs.get(input.runId)?.status ?? ""))
				answer();
			this.#later(ASK_AGAIN_MS, ask);
		};
		ask();
	}

	#submit(): void {
		const { random } = this.#world;
		const runId = `r${this.#runs++}` as RunId;
		const submission = this.#submission(runId);
		const run = () => this.#view.runs.get(runId);
		this.#ask({ kind: "submitRun", ...submission }, `the submission of ${runId}`, () => run() !== undefined);
		if (random.next() < 0.15) {
			const isStopped = (): boolean =>
				run() === undefined || run()?.cancelAsked === true || isFinal(run()?.status ?? "");
			this.#later(random.below(60_000), () =>
				this.#ask({ kind: "cancelRun", runId, reason: "asked" }, `the cancel of ${runId}`, isStopped),
			);
		}
		if (random.next() < 0.2) this.#later(random.below(60_000), () => this.#cancelStep(runId));
	}

	#cancelStep(runId: RunId): void {
		const { random } = this.#world;
		const keys = [...(this.#view.runs.get(runId)?.steps.keys() ?? [])] as StepKey[];
		const stepKey = keys[random.below(keys.length)];
		if (stepKey === undefined) return;
		const isStopped = (): boolean => {
			const step = this.#view.runs.get(runId)?.steps.get(stepKey);
			return step === undefined || step.cancelAsked || isFinal(step.status);
		};
		this.#ask({ kind: "cancelStep", runId, stepKey, reason: "asked" }, `the cancel of ${runId}/${stepKey}`, isStopped);
	}

	#submission(runId: RunId): Submission {
		const { random } = this.#world;
		const { definition, params } = this.#templates[random.below(this.#templates.length)] as Template;
		const versions = Array.from({ length: 3 }, () => (random.next() < 0.15 ? 1 : 0));
		const mode = random.next();
		const submission: Submission = {
			...{ runId, definition, submitter: "sim", submissionId: `of-${runId}` },
			params: random.next() < 0.2 ? { p: 1 + random.below(3) } : params,
			code: random.next() < 0.2 ? null : codeTree(versions),
			cacheMode: mode < 0.8 ? "use" : mode < 0.9 ? "refresh" : "off",
			...{ reused: [], leftOut: [], basedOn: "" },
		};
		return random.next() < 0.4 ? this.#basedOnEarlier(submission) : submission;
	}

	/** `--from-failed`, `--from`, `--only`, where there is a run that allows it. */
	#basedOnEarlier(submission: Submission): Submission {
		const { random } = this.#world;
		const earlier = [...this.#view.runs.values()].filter(
			({ definition }) => definition.name === submission.definition.name,
		);
		const base = earlier[random.below(earlier.length)];
		if (!base) return submission;
		const mode = (["failed", "from", "only"] as const)[random.below(3)] ?? "failed";
		const main = base.definition.steps.filter(({ phase }) => phase === "main");
		const steps = [main[random.below(main.length)]?.name ?? ""];
		try {
			return {
				...submission,
				...resolveReuse(
					reuseStore(this.#view),
					{ run: base.id, mode, steps },
					submission.definition,
					submission.params,
				),
			};
		} catch {
			// Refused with a reason, as a person would be.
			return submission;
		}
	}
}

const takes = (state: MeshState, input: Question): boolean => {
	if (input.kind === "submitRun") return true;
	const run = state.runs.get(input.runId);
	return input.kind === "answerApproval" ? run?.steps.get(input.stepKey)?.status === "held" : run !== undefined;
};
