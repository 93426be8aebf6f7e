/** From a pipeline file to a run: checked here, its code uploaded, submitted exactly once. */

import { randomUUID } from "node:crypto";
import { dirname, resolve } from "node:path";
import type { PlanView, ReuseRequest, RunDetail, SubmitRequest } from "#shared/api.ts";
import type { ApiClient } from "./client.ts";
import { captureCode, uploadCode } from "./code.ts";
import { readPipelineFile } from "./pipeline-file.ts";
import { COMMAND_PATIENCE, persist } from "./resume.ts";

export interface SubmitOptions {
	/** Instead of the pipeline's own name. */
	name?: string | undefined;
	/** The same id twice is one run; a fresh one where left out. */
	submissionId?: string;
	/** Whether recorded results are taken. */
	cache?: SubmitRequest["cache"];
	/** Which results of an earlier run are taken; null for none. */
	reuse?: ReuseRequest | null;
	/** Bytes of code sent so far, and in all. */
	onUpload?: ((sentBytes: number, totalBytes: number) => void) | undefined;
}

export const submitPipeline = async (
	client: ApiClient,
	file: string,
	params: Record<string, string>,
	{ name, submissionId = randomUUID(), cache = "use", reuse = null, onUpload = () => undefined }: SubmitOptions = {},
): Promise<RunDetail> => {
	const { text, files } = await readPipelineFile(file, params, name);
	// Reading the folder may take long: first see that somebody listens, and lets us in.
	await client.missingBlobs([]);
	const code = await captureCode(dirname(resolve(file)));
	await uploadCode(client, code, onUpload, COMMAND_PATIENCE);
	const request = { pipeline: text, file, params, code: code.ref, submissionId, files, cache, reuse };
	return persist(() => client.submitRun(request), { patience: COMMAND_PATIENCE });
};

/** Nothing is sent but the file and those it uses: a plan runs no code. */
export const planPipeline = async (
	client: ApiClient,
	file: string,
	params: Record<string, string>,
): Promise<PlanView> => {
	const { text, files } = await readPipelineFile(file, params);
	return client.plan({
		pipeline: text,
		file,
		params,
		code: null,
		submissionId: randomUUID(),
		files,
		cache: "use",
		reuse: null,
	});
};
