/** What agents report. A report counts when its attempt is the newest of an unsettled step; any other is history. */

import { assertNever } from "#shared/assert-never.ts";
import type { ArtifactRef, AttemptIdentity, CodeUse, Report } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { evaluateGates } from "#shared/pipeline/gates.ts";
import { identity } from "./graph.ts";
import { type AttemptEnding, endAttempt, endingOf } from "./settle.ts";
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
	codeUse: bounded(body.codeUse),
	reason: body.failure?.cause === "lost" ? body.failure.message : "",
});

const CODE_PATHS_MAX = 2_000;
const CODE_PATHS_CHARACTERS_MAX = 128 * 1024;

/** It is kept with the result for long; more than agents send is not taken from one. */
const bounded = (use: CodeUse | null): CodeUse | null => {
	if (!use || use.paths.length > CODE_PATHS_MAX || use.key.length > 100) return null;
	return use.paths.join("").length > CODE_PATHS_CHARACTERS_MAX ? null : use;
};

/** Steps behind it rely on every declared output, and on what some of them say; a no-op leaves none. */
const withOutputs = (attempt: Attempt, ending: AttemptEnding): AttemptEnding => {
	const { definition } = attempt.step;
	if (ending.state !== "succeeded" || definition.action.kind === "noop") return ending;
	const left = new Map(ending.outputs.map((output) => [output.name, output]));
	const missing = Object.keys(definition.outputs).filter((name) => !left.has(name));
	const mute = definition.values.filter((name) => left.has(name) && !isJson(left.get(name)?.valueJson));
	if (missing.length + mute.length === 0) return { ...ending, outputs: ending.outputs.map(withoutUnasked(definition)) };
	const lacking = [...missing.map((name) => `the output ${name}`), ...mute.map((name) => `what ${name} says`)];
	const message = `its agent reported success without ${lacking.join(", ")}`;
	return { ...ending, state: "failed", failure: failureOf("output", message) };
};

/** What nobody reads as a value was not looked at. */
const withoutUnasked =
	({ values }: StepDefinition) =>
	({ valueJson, ...output }: ArtifactRef): ArtifactRef =>
		valueJson !== undefined && values.includes(output.name) ? { ...output, valueJson } : output;

const isJson = (text: string | undefined): boolean => {
	try {
		JSON.parse(text ?? "");
		return true;
	} catch {
		return false;
	}
};

/** An attempt that succeeded but whose gates do not hold has failed. */
const withGates = (attempt: Attempt, ending: AttemptEnding): AttemptEnding => {
	if (ending.state !== "succeeded") return ending;
	const missed = evaluateGates(attempt.step.definition.gates, ending.metrics).filter((gate) => !gate.held);
	if (missed.length === 0) return ending;
	const message = missed
		.map(({ gate, value }) => `gate \`${gate.source}\` does not hold: ${gate.metric} is ${value ?? "not reported"}`)
		.join("; ");
	return { ...ending, state: "failed", failure: failureOf("gate", message) };
};
