/** Asks for a run again exactly once, whatever the network does meanwhile. */

import type { RunDetail } from "#shared/api.ts";
import type { ApiClient } from "./client.ts";
import { type Patience, persist } from "./resume.ts";

/** A coordinator that is on its way back is waited for, not longer than a person would. */
const PATIENCE: Patience = { firstDelayMs: 100, maxDelayMs: 2_000, giveUpAfterMs: 15_000 };

export const retryRun = (
	client: ApiClient,
	run: string,
	failedOnly: boolean,
	submissionId: string,
): Promise<RunDetail> => persist(() => client.retryRun(run, { failedOnly, submissionId }), { patience: PATIENCE });
