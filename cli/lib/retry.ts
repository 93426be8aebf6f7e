/** Asks for a run again exactly once, whatever the network does meanwhile. */

import { randomUUID } from "node:crypto";
import type { RunDetail } from "#shared/api.ts";
import type { ApiClient } from "./client.ts";
import { COMMAND_PATIENCE, persist } from "./resume.ts";

export const retryRun = (client: ApiClient, run: string, failedOnly: boolean): Promise<RunDetail> => {
	const request = { failedOnly, submissionId: randomUUID() };
	return persist(() => client.retryRun(run, request), { patience: COMMAND_PATIENCE });
};
