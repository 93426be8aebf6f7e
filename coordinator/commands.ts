/** What the API may ask of the core. Each answers only after the journal has it. */

import { randomInt } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { ApprovalRequest, PlanView, RetryRequest, SubmitRequest, WaitView } from "#shared/api.ts";
import type { Clock } from "#shared/clock.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { newRunId, type RunId, type StepKey } from "#shared/ids.ts";
import { type AgentCommands, createAgentCommands } from "./agent-commands.ts";
import { submittedEvent } from "./core/decide.ts";
import type { JournalEvent } from "./core/events.ts";
import type { Input } from "./core/inputs.ts";
import type { MeshState, Step } from "./core/state.ts";
import { isSettled } from "./core/transitions.ts";
import { createJoinTokenCommands, type JoinTokenCommands } from "./join-tokens.ts";
import { encodedBytes } from "./journal/journal.ts";
import { planRun } from "./plan.ts";
import type { Reactor } from "./reactor.ts";
import { resolveReuse } from "./reuse.ts";
import type { ReadStore } from "./store/store.ts";
import { readSubmission } from "./submission.ts";
import { unknownStep } from "./unknown-step.ts";
import { waitReasons, waitsOf } from "./waiting.ts";

export interface Submitted {
	runId: RunId;
	/** false when the submission was known. */
	created: boolean;
}

export interface Commands extends AgentCommands, JoinTokenCommands {
	submit(request: SubmitRequest, submitter: string): Promise<Submitted>;
	/** A new run of the same definition, parameters and code. */
	retry(runId: RunId, request: RetryRequest, submitter: string): Promise<Submitted>;
	cancel(runId: RunId, reason: string): Promise<void>;
	cancelStep(runId: RunId, step: string, reason: string): Promise<void>;
	approve(runId: RunId, step: string, answer: ApprovalRequest, by: string): Promise<void>;
	plan(request: SubmitRequest): Promise<PlanView>;
	/** Why ready steps of a run wait, by step key. */
	waitReasons(runId: RunId): Map<string, string>;
	/** What holds up the steps of a run that have not settled, by step key. */
	waits(runId: RunId): ReadonlyMap<string, WaitView[]>;
}

export interface CommandsOptions {
	home: Home;
	/** What NATS carries in one message. */
	maxMessageBytes(): number;
	/** The journal can't be written now. */
	isStuck(): boolean;
	store: ReadStore;
}

const RANDOM_STEPS = 2 ** 32;
const JOURNAL_WITHIN_MS = 8_000;
const FULL_BYTES = 1024 * 1024;

export const createCommands = (
	state: MeshState,
	reactor: Reactor,
	clock: Clock,
	{ home, maxMessageBytes, isStuck, store }: CommandsOptions,
): Commands => {
	/** Who asks is told when the journal can't be written. What waited may still come to pass: asking again does no harm. */
	const take = async (input: Input): Promise<void> => {
		if (isStuck()) throw await whyStuck(home);
		const late = Promise.withResolvers<never>();
		const timer = setTimeout(async () => late.reject(await whyStuck(home)), JOURNAL_WITHIN_MS);
		try {
			await Promise.race([reactor.take(input), late.promise]);
		} finally {
			clearTimeout(timer);
		}
	};

	type Submission = Omit<Extract<Input, { kind: "submitRun" }>, "kind" | "runId">;

	/** `prepare` is asked only for a submission that is not known yet. */
	const submit = async (submissionId: string, prepare: () => Omit<Submission, "submissionId">): Promise<Submitted> => {
		const earlier = state.submissions.get(submissionId);
		if (earlier) return { runId: earlier, created: false };
		const runId = newRunId(clock.nowMs(), randomInt(RANDOM_STEPS) / RANDOM_STEPS);
		const submission = { runId, submissionId, ...prepare() };
		checkFits(submittedEvent(submission, 0), maxMessageBytes());
		await take({ kind: "submitRun", ...submission });
		const known = state.submissions.get(submissionId);
		if (!known) throw new RunmeshError("RM_INTERNAL", "the submission was not recorded");
		return { runId: known, created: known === runId };
	};

	/** Of a run that goes on. */
	const stepOf = (runId: RunId, key: string): Step => {
		const run = state.runs.get(runId);
		if (!run) {
			const over = store.run(runId)?.state;
			throw new RunmeshError("RM_CONFLICT", `run ${runId} has ended${over ? `: ${over}` : ""}`, {
				hint: `see \`runmesh runs show ${runId}\``,
			});
		}
		const step = run.steps.get(key as StepKey);
		if (step) return step;
		const steps = [...run.steps.values()].map(({ key, definition: { name } }) => ({ key, name }));
		throw unknownStep(runId, key, steps);
	};

	return {
		submit: (request, submitter) =>
			submit(request.submissionId, () => {
				const { definition, params } = readSubmission(request);
				const reuse = resolveReuse(store, request.reuse, definition, params);
				return { definition, params, submitter, code: request.code, cacheMode: request.cache, ...reuse };
			}),
		retry: (runId, { failedOnly, submissionId }, submitter) =>
			submit(submissionId, () => {
				const source = store.source(runId);
				if (!source) throw new RunmeshError("RM_NOT_FOUND", `run ${runId} is not kept any more`);
				const { definition, params, code } = source;
				const again = { definition, params, code, submitter };
				if (!failedOnly) return { ...again, cacheMode: "refresh", reused: [], leftOut: [], basedOn: runId };
				const reuse = resolveReuse(store, { run: runId, mode: "failed", steps: [] }, definition, params);
				return { ...again, cacheMode: source.cacheMode, ...reuse };
			}),
		cancel: (runId, reason) => take({ kind: "cancelRun", runId, reason }),
		cancelStep: async (runId, key, reason) => {
			const step = stepOf(runId, key);
			if (isSettled(step.status)) {
				throw new RunmeshError(
					"RM_CONFLICT",
					`step ${key} has ${step.status === "skipped" ? "been skipped" : `ended: ${step.status}`}`,
				);
			}
			await take({ kind: "cancelStep", runId, stepKey: step.key, reason });
		},
		approve: async (runId, key, { approved, comment }, by) => {
			const step = stepOf(runId, key);
			if (step.status !== "held") throw notHeld(step);
			await take({ kind: "answerApproval", runId, stepKey: step.key, approved, by, comment });
			// Somebody else may have been quicker, or the step was cancelled.
			if (step.answer?.approved !== approved) throw notHeld(step);
		},
		plan: async (request) => planRun(state, request),
		waitReasons: (runId) => waitReasons(state, runId, clock.nowMs()),
		waits: (runId) => waitsOf(state, runId),
		...createAgentCommands(state, take),
		...createJoinTokenCommands(state, take, clock),
	};
};

const notHeld = ({ key, status, definition, run }: Step): RunmeshError => {
	const held = [...run.steps.values()].filter((step) => step.status === "held").map((step) => step.key);
	const what = definition.action.kind === "approve" ? `it is ${status}` : `it is no \`approve\` step (${status})`;
	return new RunmeshError("RM_CONFLICT", `step ${key} does not wait for approval: ${what}`, {
		hint: held.length === 0 ? "no step of this run waits for approval now" : `waiting for approval: ${held.join(", ")}`,
	});
};

/** The journal takes a submission as one message. */
const checkFits = (event: JournalEvent, maxBytes: number): void => {
	const bytes = encodedBytes(event);
	if (bytes <= maxBytes) return;
	throw new RunmeshError("RM_TOO_LARGE", `the pipeline takes ${bytes} bytes, NATS carries ${maxBytes} in a message`, {
		hint: "raise max_payload of the NATS server, or split the pipeline",
	});
};

const whyStuck = async ({ root }: Home): Promise<RunmeshError> => {
	const disk = await statfs(root).catch(() => null);
	if (disk && disk.bavail * disk.bsize < FULL_BYTES) {
		const message = `the journal can't be written: no space left on the disk that holds ${root}`;
		return new RunmeshError("RM_DISK_FULL", message, { hint: "free some space: the mesh goes on by itself then" });
	}
	return new RunmeshError("RM_UNAVAILABLE", "the journal can't be written now", {
		hint: "look at the nats-server's log; the same call may be made again",
	});
};
