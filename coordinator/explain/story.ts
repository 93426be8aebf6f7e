/** What happened, event by event, in words. */

import type { EventView, ExplainView } from "#shared/api.ts";
import type { Failure } from "#shared/domain.ts";
import type { AttemptEnded, AttemptMemberEnded, JournalEvent } from "../core/events.ts";
import { count, duration, failureWords, listed, usageWords } from "./words.ts";

type Told = { [Kind in JournalEvent["kind"]]?: (data: never, atMs: number) => string };

/** `named` is the story of a whole run, otherwise it is that of a step. */
export const storyOf = (events: readonly EventView[], named: boolean): ExplainView["story"] =>
	events.flatMap(({ id, atMs, kind, step, data }) => {
		const tell = tellings[kind as JournalEvent["kind"]];
		const text = tell?.(data as never, atMs) ?? "";
		return text === "" ? [] : [{ eventId: id, atMs, kind, text: `${prefix(step, named)}${text}` }];
	});

/** Each story names what is not its own. */
const prefix = (step: string | null, named: boolean): string => {
	if (named) return step === null ? "" : `${step}: `;
	return step === null ? "run " : "";
};

const because = (reason: string): string => (reason === "" ? "" : `: ${reason}`);

export const attemptNumber = (attemptId: string): number => Number(attemptId.slice(attemptId.lastIndexOf(".") + 1));

interface Submitted {
	submitter: string;
	taken: number;
	leftOut: string[];
	cacheMode: string;
	basedOn: string;
}

const tellings: Told = {
	runSubmitted: ({ submitter, taken, leftOut, cacheMode, basedOn }: Submitted) => {
		const parts = [`submitted by ${submitter}`];
		if (basedOn)
			parts.push(taken > 0 ? `with ${count(taken, "result")} of run ${basedOn}` : `again, as run ${basedOn}`);
		if (leftOut?.length > 0) parts.push(`without ${listed(leftOut)}`);
		if (cacheMode === "off") parts.push("without the cache");
		if (cacheMode === "refresh") parts.push("with a cache that is made anew");
		return parts.join(", ");
	},
	runAdmitted: () => "let go ahead by its concurrency group",
	runTimedOut: ({ reason }: { reason: string }) => `timed out${because(reason)}`,
	runCancelRequested: ({ reason }: { reason: string }) => `told to stop${because(reason)}`,
	runFinished: ({ state, reason }: { state: string; reason: string }) =>
		`ended: ${state}${reason ? ` (${reason})` : ""}`,
	attemptLeased: ({ attemptNumber: number, agentId, memberIds = [] }: Leased) =>
		`attempt ${number} given to ${listed([agentId, ...memberIds])}`,
	attemptStarted: ({ attemptId }: { attemptId: string }) => `attempt ${attemptNumber(attemptId)} runs`,
	attemptMemberEnded: ({ attemptId, rank, startedAtMs, finishedAtMs }: AttemptMemberEnded) =>
		`rank ${rank} of attempt ${attemptNumber(attemptId)} is done after ${duration(finishedAtMs - startedAtMs)}`,
	attemptEnded: (event: AttemptEnded) => endOfAttempt(event),
	stepReadied: ({ reason }: { reason: string }) => reason || "it may run",
	matrixExpanded: ({ cells }: { cells: number }) => `its matrix has ${count(cells, "cell")}`,
	approvalRequested: ({ message }: { message: string }) => `a person is asked to approve it${because(message)}`,
	approvalAnswered: ({ approved, by, comment }: { approved: boolean; by: string; comment: string }) =>
		`${approved ? "approved" : "rejected"} by ${by}${because(comment)}`,
	stepCancelRequested: ({ reason }: { reason: string }) => `told to stop${because(reason)}`,
	cacheChecked: ({ hit, sourceRunId, sourceStepKey, reason }: Checked) =>
		hit
			? `found in the cache: the result of ${sourceStepKey} of run ${sourceRunId}`
			: `not in the cache${because(reason)}`,
	cacheRecorded: () => "its result is kept in the cache",
	stepSettled: ({ state, reason, failure }: { state: string; reason: string; failure: Failure | null }) =>
		`${state}${because(failure ? failureWords(failure) : reason)}`,
	stepRetryScheduled: ({ notBeforeMs, reason }: { notBeforeMs: number; reason: string }, atMs) =>
		`to be started again ${notBeforeMs > atMs ? `in ${duration(notBeforeMs - atMs)}` : "at once"}${because(reason)}`,
	modelVersionRegistered: ({ model, version }: { model: string; version: number }) =>
		`registered as version ${version} of ${model}`,
	deploymentChanged: ({ deployment, version, agentIds }: { deployment: string; version: number; agentIds: string[] }) =>
		`${deployment} is to serve version ${version} on ${listed(agentIds)}`,
};

interface Leased {
	attemptNumber: number;
	agentId: string;
	memberIds?: string[];
}

interface Checked {
	hit: boolean;
	sourceRunId: string;
	sourceStepKey: string;
	reason: string;
}

const endOfAttempt = (ended: AttemptEnded): string => {
	const { attemptId, state, failure, reason, startedAtMs, finishedAtMs, usage } = ended;
	const used = usageWords(usage);
	const took = startedAtMs > 0 ? ` after ${duration(finishedAtMs - startedAtMs)}` : "";
	const word = { lost: "was lost", cancelled: "was stopped", declined: "was handed back" }[state as string] ?? state;
	return `attempt ${attemptNumber(attemptId)} ${word}${took}${used === "" ? "" : ` (${used})`}${because(failure ? failureWords(failure) : reason)}`;
};

/** What the cache said last; null when it was not asked. */
export const cacheAnswer = (events: readonly EventView[]): ExplainView["cache"] => {
	const checked = events.findLast(({ kind }) => kind === "cacheChecked");
	if (!checked) return null;
	const { hit, sourceRunId, sourceStepKey, reason } = checked.data as unknown as Checked;
	return { hit, source: sourceRunId === "" ? null : { run: sourceRunId, step: sourceStepKey }, reason };
};
