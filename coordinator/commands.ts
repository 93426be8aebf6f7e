/** What the API may ask of the core. Each answers only after the journal has it. */

import { randomInt } from "node:crypto";
import { statfs } from "node:fs/promises";
import type { PlanView, SubmitRequest } from "#shared/api.ts";
import type { Clock } from "#shared/clock.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { newRunId, type RunId } from "#shared/ids.ts";
import { submittedEvent } from "./core/decide.ts";
import type { JournalEvent } from "./core/events.ts";
import type { Input } from "./core/inputs.ts";
import type { MeshState } from "./core/state.ts";
import { encodedBytes } from "./journal/journal.ts";
import { planRun } from "./plan.ts";
import type { Reactor } from "./reactor.ts";
import { readSubmission } from "./submission.ts";
import { waitReasons } from "./waiting.ts";

export interface Commands {
	submit(request: SubmitRequest, submitter: string): Promise<{ runId: RunId; created: boolean }>;
	cancel(runId: RunId, reason: string): Promise<void>;
	plan(request: SubmitRequest): Promise<PlanView>;
	/** Why ready steps of a run wait, by step key. */
	waitReasons(runId: string): Map<string, string>;
}

export interface CommandsOptions {
	home: Home;
	/** What NATS carries in one message. */
	maxMessageBytes(): number;
	/** The journal can't be written now. */
	isStuck(): boolean;
}

const RANDOM_STEPS = 2 ** 32;
const JOURNAL_WITHIN_MS = 8_000;
const FULL_BYTES = 1024 * 1024;

export const createCommands = (
	state: MeshState,
	reactor: Reactor,
	clock: Clock,
	{ home, maxMessageBytes, isStuck }: CommandsOptions,
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

	return {
		submit: async (request, submitter) => {
			const { definition, params } = readSubmission(request);
			const { code, submissionId } = request;
			const runId = newRunId(clock.nowMs(), randomInt(RANDOM_STEPS) / RANDOM_STEPS);
			const submission = { runId, definition, params, submitter, code, submissionId };
			checkFits(submittedEvent(submission, 0), maxMessageBytes());
			await take({ kind: "submitRun", ...submission });
			const known = state.submissions.get(submissionId);
			if (!known) throw new RunmeshError("RM_INTERNAL", "the submission was not recorded");
			return { runId: known, created: known === runId };
		},
		cancel: (runId, reason) => take({ kind: "cancelRun", runId, reason }),
		plan: async (request) => planRun(state, request),
		waitReasons: (runId) => waitReasons(state, runId, clock.nowMs()),
	};
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
