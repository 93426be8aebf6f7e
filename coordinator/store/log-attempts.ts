/** The attempts whose logs a reader wants, in the order they were leased. */

import type { DatabaseSync } from "node:sqlite";
import { type AttemptId, attemptId, attemptOfMember, memberId, type RunId, type StepKey } from "#shared/ids.ts";
import { query } from "./database.ts";

export interface LogAttempt {
	/** Grows with every lease in the mesh. */
	position: number;
	id: AttemptId;
	step: string;
	number: number;
	/** Of a step on several agents; null of one on one. */
	rank: number | null;
	/** By the leader's clock; null while it is live. */
	endedAtMs: number | null;
}

export interface LogScope {
	run: RunId;
	/** null takes all steps. */
	step: string | null;
	/** null takes all attempts. */
	attempt: number | null;
}

export interface LogQueries {
	/** Those leased behind `position` that can have written anything. */
	attempts(scope: LogScope, position: number): LogAttempt[];
	attempt(id: AttemptId): LogAttempt | null;
	/** Whether no further attempt will come. */
	over(scope: LogScope): boolean;
	hasStep(run: RunId, step: string): boolean;
	hadAttempt(run: RunId, step: string, number: number): boolean;
}

interface AttemptRow {
	n: number;
	id: AttemptId;
	step: string;
	number: number;
	/** null of a step on one agent. */
	members: string | null;
	ended_at: number | null;
}

const COLUMNS = "attempts.n, attempts.id, attempts.step, attempts.number, attempts.members, ended_at";

export const openLogQueries = (database: DatabaseSync): LogQueries => {
	// Only commands write; a declined attempt never came to it.
	const attempts = query<AttemptRow>(
		database,
		`SELECT ${COLUMNS} FROM attempts JOIN steps ON steps.run = attempts.run AND steps.key = attempts.step
			WHERE attempts.run = ?1 AND attempts.n > ?2 AND steps.writes_logs = 1 AND attempts.state <> 'declined'
				AND (?3 IS NULL OR attempts.step = ?3) AND (?4 IS NULL OR attempts.number = ?4)
			ORDER BY attempts.n`,
	);
	const attempt = query<AttemptRow>(database, `SELECT ${COLUMNS} FROM attempts WHERE id = ?`);
	const run = query<{ finished_at: number | null }>(database, "SELECT finished_at FROM runs WHERE id = ?");
	const step = query<{ finished_at: number | null }>(
		database,
		"SELECT finished_at FROM steps WHERE run = ? AND key = ?",
	);
	return {
		attempts: (scope, position) => attempts.all(scope.run, position, scope.step, scope.attempt).flatMap(logsOf),
		attempt: (id) => {
			const [member = null] = attempt
				.all(attemptOfMember(id))
				.flatMap(logsOf)
				.filter((log) => log.id === id);
			return member;
		},
		over: (scope) => {
			if (scope.step !== null && scope.attempt !== null) {
				const [only] = attempts.all(scope.run, 0, scope.step, scope.attempt);
				if (only) return only.ended_at !== null;
			}
			const row = scope.step === null ? run.get(scope.run) : step.get(scope.run, scope.step);
			return row === undefined || row.finished_at !== null;
		},
		hadAttempt: (id, key, number) => attempt.get(attemptId(id, key as StepKey, number)) !== undefined,
		hasStep: (id, key) => step.get(id, key) !== undefined,
	};
};

/** Each member of a step on several agents has one of its own. */
const logsOf = ({ n, id, step, number, members, ended_at }: AttemptRow): LogAttempt[] => {
	const others = members === null ? 0 : (JSON.parse(members) as string[]).length;
	return Array.from({ length: others + 1 }, (_, rank) => ({
		position: n,
		id: memberId(id, rank),
		step,
		number,
		rank: others === 0 ? null : rank,
		endedAtMs: ended_at,
	}));
};
