/** Bounds on what models and requests may take. */

import { totalmem } from "node:os";

export interface ServingLimits {
	/** Of a request's body. */
	bodyBytes: number;
	/** Of the JSON in it: reading JSON holds up the whole agent, binary tensors do not. */
	jsonBytes: number;
	/** Requests that may wait for one model; the next is refused at once. */
	queueDepth: number;
	/** Of the tensors in those requests. */
	queueBytes: number;
	/** From a request's arrival to its answer. */
	deadlineMs: number;
	/** A single run that takes longer is taken for hung, and its process is replaced. */
	runMs: number;
	/** From the start of a model's process to its first answer. */
	startMs: number;
	validationMs: number;
	/** Resident memory of one model's process, the runtime's own (about 100 MB) included. */
	memoryBytes: number;
}

export const defaultLimits = (): ServingLimits => ({
	bodyBytes: 64 * 1024 ** 2,
	jsonBytes: 16 * 1024 ** 2,
	queueDepth: 64,
	queueBytes: 256 * 1024 ** 2,
	deadlineMs: 30_000,
	runMs: 60_000,
	startMs: 120_000,
	validationMs: 120_000,
	memoryBytes: Math.floor((process.constrainedMemory() || totalmem()) / 2),
});
