/** What agents report. A report counts when its attempt is the newest of an unsettled step; any other is history. */

import { assertNever } from "#shared/assert-never.ts";
import type { ArtifactRef, AttemptIdentity, CodeUse, Report } from "#shared/domain.ts";
import { failureOf } from "#shared/failure.ts";
import type { StepDefinition } from "#shared/pipeline/definition.ts";
import { evaluateGates } from "#shared/pipeline/gates.ts";
import { endingOfMember, stopMembers } from "./gang.ts";
import { identity } from "./graph.ts";
import { isGang, memberOf, memberStarted, placeOf } from "./members.ts";
import { type AttemptEnding, declinedBy, endAttempt, endingOf } from "./settle.ts";
import type { Attempt, Member } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

export const reportReceived = (turn: Turn, report: Report): void => {
	const { body } = report;
	switch (body.kind) {
		case "attemptStarted": {
			const current = currentMember(turn, report, body.attempt);
			if (current?.attempt.status === "leased") startMember(turn, current.attempt, current.member);
			return;
		}
		case "attemptFinished": {
			const current = currentMember(turn, report, body.attempt);
			if (current) memberFinished(turn, current, endingFrom(body));
			return;
		}
		case "attemptDeclined": {
			const current = currentMember(turn, report, body.attempt);
			if (current?.attempt.status === "leased") memberDeclined(turn, current, body.reason);
			return;
		}
		default:
			return assertNever(body);
	}
};

/** A gang has started when the last of it has. */
export const startMember = (turn: Turn, attempt: Attempt, member: Member): void => {
	if (!memberStarted(attempt, member)) return;
	emit(turn, { kind: "attemptStarted", ...identity(attempt.step), attemptId: attempt.id });
};

interface Current {
	attempt: Attempt;
	member: Member;
}

/** Only the agent that holds the lease may speak of it, and of what has ended nobody. */
const currentMember = (turn: Turn, { agentId }: Report, { attemptId, fence }: AttemptIdentity): Current | null => {
	const attempt = turn.state.attempts.get(attemptId);
	const member = attempt && memberOf(attempt, attemptId);
	return attempt?.fence === fence && member?.agentId === agentId && !member.ended ? { attempt, member } : null;
};

const memberFinished = (turn: Turn, { attempt, member }: Current, ended: AttemptEnding): void => {
	const isFirst = attempt.members[0] === member;
	const ending = endingOfMember(turn, attempt, member, isFirst ? withOutputs(attempt, ended) : ended);
	if (!ending) return;
	endAttempt(turn, attempt, withGates(attempt, ending), member);
	stopMembers(turn, attempt, "another of its members has ended", member);
};

const memberDeclined = (turn: Turn, { attempt, member }: Current, reason: string): void => {
	declinedBy(turn, attempt.step, member.agentId);
	const told = isGang(attempt) ? `${placeOf(attempt, member)}: ${reason}` : reason;
	endAttempt(turn, attempt, endingOf("declined", told), member);
	stopMembers(turn, attempt, "another of its members was declined", member);
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
	usage: body.usage,
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
