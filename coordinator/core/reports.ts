/** What agents report. A report counts when its attempt is the newest of an unsettled step; any other is history. */

import { assertNever } from "#shared/assert-never.ts";
import type { AttemptIdentity, Failure, Report } from "#shared/domain.ts";
import { evaluateGates } from "#shared/pipeline/gates.ts";
import { type AttemptEnding, endAttempt, endingOf, identity } from "./settle.ts";
import type { Attempt } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

export const reportReceived = (turn: Turn, report: Report): void => {
	const { body } = report;
	switch (body.kind) {
		case "attemptStarted": {
			const attempt = currentAttempt(turn, report, body.attempt);
			if (attempt?.status === "leased") startAttempt(turn, attempt);
			return;
		}
		case "attemptFinished": {
			const attempt = currentAttempt(turn, report, body.attempt);
			// A lost one whose agent says so too is no news.
			if (attempt?.status === "lost" && body.failure?.cause === "lost") return;
			if (attempt) endAttempt(turn, attempt, withGates(attempt, withOutputs(attempt, endingFrom(body))));
			return;
		}
		case "attemptDeclined": {
			const attempt = currentAttempt(turn, report, body.attempt);
			if (attempt?.status === "leased") endAttempt(turn, attempt, endingOf("declined", body.reason));
			return;
		}
		default:
			return assertNever(body);
	}
};

export const startAttempt = (turn: Turn, attempt: Attempt): void =>
	emit(turn, { kind: "attemptStarted", ...identity(attempt.step), attemptId: attempt.id });

/** Only the agent that holds the lease may speak of it. */
const currentAttempt = (turn: Turn, { agentId }: Report, { attemptId, fence }: AttemptIdentity): Attempt | null => {
	const attempt = turn.state.attempts.get(attemptId);
	return attempt?.fence === fence && attempt.agentId === agentId ? attempt : null;
};

const endingFrom = (body: Extract<Report["body"], { kind: "attemptFinished" }>): AttemptEnding => ({
	// What ended with its machine, and not by itself, is lost: retried apart from failures.
	state: body.failure?.cause === "lost" ? "lost" : body.outcome,
	failure: body.failure,
	outputs: body.outputs,
	metrics: body.metrics,
	startedAtMs: body.startedAtMs,
	finishedAtMs: body.finishedAtMs,
	reason: body.failure?.cause === "lost" ? body.failure.message : "",
});

/** Steps behind it rely on every declared output; a no-op leaves none. */
const withOutputs = (attempt: Attempt, ending: AttemptEnding): AttemptEnding => {
	if (ending.state !== "succeeded" || attempt.step.definition.action.kind === "noop") return ending;
	const left = new Set(ending.outputs.map(({ name }) => name));
	const missing = Object.keys(attempt.step.definition.outputs).filter((name) => !left.has(name));
	if (missing.length === 0) return ending;
	const message = `its agent reported success without the output ${missing.join(", ")}`;
	return { ...ending, state: "failed", failure: { cause: "output", message, signal: "" } };
};

/** An attempt that succeeded but whose gates do not hold has failed. */
const withGates = (attempt: Attempt, ending: AttemptEnding): AttemptEnding => {
	if (ending.state !== "succeeded") return ending;
	const missed = evaluateGates(attempt.step.definition.gates, ending.metrics).filter((gate) => !gate.held);
	if (missed.length === 0) return ending;
	const message = missed
		.map(({ gate, value }) => `gate \`${gate.source}\` does not hold: ${gate.metric} is ${value ?? "not reported"}`)
		.join("; ");
	const failure: Failure = { cause: "gate", message, signal: "" };
	return { ...ending, state: "failed", failure };
};
