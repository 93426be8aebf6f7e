/** Answers that show a run as it is after what was asked of the core. */

import type { FastifyReply } from "fastify";
import type { RunDetail } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { RunId } from "#shared/ids.ts";
import type { Submitted } from "../commands.ts";
import { createCommitWatch } from "./commit-watch.ts";
import type { HttpDeps } from "./deps.ts";

/** There is one token yet, so one name for whoever holds it. */
export const SUBMITTER = "admin";

/** How long the read store may stay behind the journal before an answer comes without it. */
const PROJECTION_MS = 5_000;

/** The run, once the read store shows what the journal has already. */
export const projected = async (
	{ store, committed }: HttpDeps,
	runId: RunId,
	isCurrent: (run: RunDetail) => boolean,
): Promise<RunDetail | null> => {
	const watch = createCommitWatch(committed, AbortSignal.timeout(PROJECTION_MS));
	try {
		for (;;) {
			const run = store.run(runId);
			if ((run && isCurrent(run)) || !(await watch.next())) return run;
		}
	} finally {
		watch.stop();
	}
};

/** 201 with the new run, 200 with one whose submission was known. */
export const answerSubmitted = async (
	deps: HttpDeps,
	reply: FastifyReply,
	{ runId, created }: Submitted,
): Promise<FastifyReply> => {
	const run = await projected(deps, runId, () => true);
	if (!run) throw new RunmeshError("RM_UNAVAILABLE", `run ${runId} is accepted, and can't be shown yet`);
	return reply.code(created ? 201 : 200).send(run);
};
