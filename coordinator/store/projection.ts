/** What each journal event means for the tables: one function per kind, a few rows each, whatever the run's size. */

import type { DatabaseSync } from "node:sqlite";
import { assertNever } from "#shared/assert-never.ts";
import type {
	ApprovalRequested,
	AttemptEnded,
	AttemptLeased,
	AttemptStarted,
	CacheChecked,
	JournalEvent,
	RunAdmitted,
	RunCancelRequested,
	RunFinished,
	RunTimedOut,
	StepCancelRequested,
	StepReadied,
	StepRetryScheduled,
	StepSettled,
} from "../core/events.ts";
import { createRunInsert } from "./run-insert.ts";
import { projectServing } from "./serving-projection.ts";
import type { StepCounts } from "./step-counts.ts";
import { createStepInsert } from "./step-insert.ts";

export interface Projection {
	apply(event: JournalEvent): void;
	/** Writes the counters that `apply` kept; before the transaction commits. */
	flush(): void;
	/** Forgets them, after a rollback. */
	discard(): void;
}

export const createProjection = (database: DatabaseSync, counts: StepCounts): Projection => {
	const steps = createStepInsert(database, counts);
	const runSubmitted = createRunInsert(database, steps);
	const serving = projectServing(database);
	const sql = prepareStatements(database);

	const runAdmitted = ({ runId, atMs }: RunAdmitted): void => {
		sql.admitRun.run(runId);
		for (const { name } of sql.groupsWithoutNeeds.all(runId) as { name: string }[]) readyCells(runId, name, atMs);
	};

	const runTimedOut = ({ runId, reason }: RunTimedOut): void => {
		sql.explainRun.run(reason, runId);
	};

	const runCancelRequested = ({ runId, reason }: RunCancelRequested): void => {
		sql.cancelRun.run(reason, runId);
	};

	const runFinished = ({ runId, state, reason, atMs }: RunFinished): void => {
		sql.finishRun.run(state, atMs, state, reason, reason, runId);
	};

	const stepReadied = ({ runId, stepKey, atMs }: StepReadied): void => {
		const readied = Number(sql.readyStep.run(atMs, runId, stepKey).changes);
		counts.move(runId, "waiting", "ready", readied);
	};

	const approvalRequested = ({ runId, stepKey, message }: ApprovalRequested): void => {
		const from = stateOf(runId, stepKey);
		if (!from) return;
		sql.holdStep.run(`waits for approval${message === "" ? "" : `: ${message}`}`, runId, stepKey);
		counts.move(runId, from, "held");
	};

	const stepCancelRequested = ({ runId, stepKey, reason }: StepCancelRequested): void => {
		sql.explainStep.run(`being cancelled${reason === "" ? "" : `: ${reason}`}`, runId, stepKey);
	};

	const cacheChecked = ({ runId, stepKey, hit, sourceRunId, sourceStepKey }: CacheChecked): void => {
		if (hit) sql.insertSource.run(runId, stepKey, sourceRunId, sourceStepKey);
	};

	const attemptLeased = (event: AttemptLeased): void => {
		const { runId, stepKey, attemptId, attemptNumber, agentId, memberIds, atMs } = event;
		const members = memberIds.length === 0 ? null : memberIds;
		sql.insertAttempt.run(attemptId, runId, stepKey, attemptNumber, agentId, json(members), atMs);
		const from = stateOf(runId, stepKey);
		if (!from) return;
		sql.leaseStep.run(atMs, runId, stepKey);
		counts.move(runId, from, "leased");
	};

	const attemptStarted = ({ runId, stepKey, attemptId, atMs }: AttemptStarted): void => {
		sql.startAttempt.run(atMs, attemptId);
		startStep(runId, stepKey, atMs);
	};

	const startStep = (runId: string, stepKey: string, atMs: number): void => {
		const from = stateOf(runId, stepKey);
		if (!from) return;
		sql.startStep.run(atMs, runId, stepKey);
		counts.move(runId, from, "running");
	};

	const attemptEnded = (event: AttemptEnded): void => {
		const { runId, stepKey, attemptId, state, failure, startedAtMs, finishedAtMs, reason, usage, atMs } = event;
		const ran = startedAtMs > 0;
		const finished = finishedAtMs > 0 ? finishedAtMs : atMs;
		sql.endAttempt.run(state, ran ? startedAtMs : null, finished, atMs, json(failure), reason, json(usage), attemptId);
		// The agent's clock may be off: its durations count, the leader's time dates them.
		if (ran) sql.dateStep.run(atMs - Math.max(0, finished - startedAtMs), runId, stepKey);
	};

	const stepSettled = (event: StepSettled): void => {
		const { runId, stepKey, state, failure, outputs, metrics, reason, atMs } = event;
		const step = sql.step.get(runId, stepKey) as { state: string; name: string } | undefined;
		if (!step) return;
		sql.settleStep.run(state, json(failure), JSON.stringify(metrics), reason, atMs, runId, stepKey);
		counts.move(runId, step.state, state);
		for (const { name, digest, sizeBytes, fileCount, holders, valueJson = null } of outputs) {
			sql.insertArtifact.run(runId, stepKey, name, digest, sizeBytes, fileCount, JSON.stringify(holders), valueJson);
		}
		closeCell(runId, step.name, state === "succeeded", atMs);
	};

	/** The last cell of a step to succeed meets a need of the steps behind it; those without another need are ready. */
	const closeCell = (runId: string, name: string, succeeded: boolean, atMs: number): void => {
		const group = sql.closeCell.get(succeeded ? 1 : 0, runId, name) as { open_cells: number } | undefined;
		if (group?.open_cells !== 0) return;
		for (const row of sql.meetNeed.all(runId, runId, name)) {
			const dependent = row as { name: string; unmet_needs: number };
			if (dependent.unmet_needs === 0) readyCells(runId, dependent.name, atMs);
		}
	};

	const readyCells = (runId: string, name: string, atMs: number): void =>
		counts.move(runId, "waiting", "ready", Number(sql.readyCells.run(atMs, runId, name).changes));

	const stepRetryScheduled = ({ runId, stepKey, notBeforeMs, reason, atMs }: StepRetryScheduled): void => {
		const from = stateOf(runId, stepKey);
		if (!from) return;
		const to = notBeforeMs > atMs ? "backoff" : "ready";
		sql.retryStep.run(to, reason, notBeforeMs, runId, stepKey);
		counts.move(runId, from, to);
	};

	const stateOf = (runId: string, stepKey: string): string | undefined =>
		(sql.step.get(runId, stepKey) as { state: string } | undefined)?.state;

	const apply = (event: JournalEvent) => {
		switch (event.kind) {
			case "leaderElected":
			// What they say stands in the history; the state follows by other events.
			case "approvalAnswered":
			case "cacheRecorded":
			case "attemptMemberEnded":
			// The leader answers for agents and tokens by itself.
			case "agentModeChanged":
			case "agentForgotten":
			case "joinTokenIssued":
			case "joinTokenUsed":
			case "joinTokenRevoked":
				return;
			case "runSubmitted":
				return runSubmitted(event);
			case "runAdmitted":
				return runAdmitted(event);
			case "runTimedOut":
				return runTimedOut(event);
			case "runCancelRequested":
				return runCancelRequested(event);
			case "runFinished":
				return runFinished(event);
			case "matrixExpanded":
				return steps.expanded(event);
			case "stepReadied":
				return stepReadied(event);
			case "approvalRequested":
				return approvalRequested(event);
			case "stepCancelRequested":
				return stepCancelRequested(event);
			case "cacheChecked":
				return cacheChecked(event);
			case "attemptLeased":
				return attemptLeased(event);
			case "attemptStarted":
				return attemptStarted(event);
			case "attemptEnded":
				return attemptEnded(event);
			case "stepSettled":
				return stepSettled(event);
			case "stepRetryScheduled":
				return stepRetryScheduled(event);
			case "modelVersionRegistered":
				return serving.modelVersionRegistered(event);
			case "deploymentChanged":
				serving.deploymentChanged(event);
				// A deploy step has no attempt: it runs from here until its replicas serve.
				if (stateOf(event.runId, event.stepKey) === "ready") startStep(event.runId, event.stepKey, event.atMs);
				return;
			case "replicaReported":
				return serving.replicaReported(event);
			default:
				return assertNever(event);
		}
	};
	return { apply, flush: counts.flush, discard: counts.discard };
};

const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

const prepareStatements = (database: DatabaseSync) => ({
	admitRun: database.prepare("UPDATE runs SET state = 'running', reason = '' WHERE id = ? AND state = 'queued'"),
	cancelRun: database.prepare(
		"UPDATE runs SET state = 'cancelling', reason = ? WHERE id = ? AND state IN ('queued', 'running')",
	),
	explainRun: database.prepare("UPDATE runs SET reason = ? WHERE id = ?"),
	// Why it was asked to stop stays, where its end has no other word.
	finishRun: database.prepare(
		`UPDATE runs SET state = ?, finished_at = ?,
			reason = CASE WHEN ? = 'succeeded' THEN '' WHEN ? <> '' THEN ? ELSE reason END WHERE id = ?`,
	),
	groupsWithoutNeeds: database.prepare("SELECT name FROM step_groups WHERE run = ? AND unmet_needs = 0"),
	insertAttempt: database.prepare(
		`INSERT OR IGNORE INTO attempts (id, run, step, number, state, agent, members, leased_at)
			VALUES (?, ?, ?, ?, 'leased', ?, ?, ?)`,
	),
	startAttempt: database.prepare(
		`UPDATE attempts SET state = 'running', started_at = ?, finished_at = NULL, ended_at = NULL, failure = NULL, reason = ''
			WHERE id = ?`,
	),
	endAttempt: database.prepare(
		`UPDATE attempts SET state = ?, started_at = COALESCE(?, started_at), finished_at = ?, ended_at = ?, failure = ?,
			reason = ?, usage = ? WHERE id = ?`,
	),
	step: database.prepare("SELECT state, name FROM steps WHERE run = ? AND key = ?"),
	leaseStep: database.prepare(
		`UPDATE steps SET state = 'leased', reason = '', ready_at = COALESCE(ready_at, ?) WHERE run = ? AND key = ?`,
	),
	startStep: database.prepare(
		`UPDATE steps SET state = 'running', reason = '', started_at = COALESCE(started_at, ?) WHERE run = ? AND key = ?`,
	),
	dateStep: database.prepare("UPDATE steps SET started_at = ? WHERE run = ? AND key = ? AND started_at IS NULL"),
	readyStep: database.prepare(
		"UPDATE steps SET state = 'ready', ready_at = ? WHERE run = ? AND key = ? AND state = 'waiting'",
	),
	holdStep: database.prepare("UPDATE steps SET state = 'held', reason = ? WHERE run = ? AND key = ?"),
	explainStep: database.prepare("UPDATE steps SET reason = ? WHERE run = ? AND key = ? AND finished_at IS NULL"),
	insertSource: database.prepare(
		"INSERT OR REPLACE INTO step_sources (run, step, from_run, from_step, matrix) VALUES (?, ?, ?, ?, NULL)",
	),
	retryStep: database.prepare("UPDATE steps SET state = ?, reason = ?, ready_at = ? WHERE run = ? AND key = ?"),
	settleStep: database.prepare(
		`UPDATE steps SET state = ?, failure = ?, metrics = ?, reason = ?, finished_at = ? WHERE run = ? AND key = ?`,
	),
	insertArtifact: database.prepare(
		`INSERT OR REPLACE INTO artifacts (run, step, name, digest, size_bytes, file_count, holders, value)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
	),
	closeCell: database.prepare(
		`UPDATE step_groups SET unsettled_cells = unsettled_cells - 1, open_cells = open_cells - ?
			WHERE run = ? AND name = ? RETURNING open_cells`,
	),
	meetNeed: database.prepare(
		`UPDATE step_groups SET unmet_needs = unmet_needs - 1
			WHERE run = ? AND name IN (SELECT dependent FROM step_edges WHERE run = ? AND need = ?)
			RETURNING name, unmet_needs`,
	),
	readyCells: database.prepare(
		"UPDATE steps SET state = 'ready', ready_at = ? WHERE run = ? AND name = ? AND state = 'waiting' AND asked = 0",
	),
});
