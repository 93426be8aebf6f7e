/** Asks a served model about every held-out digit, one request for each, and keeps its answers and their times. */

import { RunmeshError } from "#shared/errors.ts";
import { inferHttp } from "#shared/inference/client.ts";
import { tensor } from "#shared/inference/tensor.ts";

export const SIDE = 8;
const PIXELS = SIDE * SIDE;
/** Requests under way at a time: some company for each other, so that the server may batch them. */
const CLIENTS = 4;

/** The pipeline's `validate.heldout`. */
export interface HeldOut {
	/** Rows of 64, from 0 (paper) to 1 (ink). */
	pixels: number[];
	labels: number[];
	/** What the model answered when it was validated. */
	answers: number[];
}

export interface Answer {
	pixels: number[];
	label: number;
	digit: number;
	/** Of each digit. */
	probabilities: number[];
	tookMs: number;
}

export interface Served {
	endpoint: string;
	token: string;
	model: string;
}

export interface Quiz {
	/** In the order of the rows. */
	answers: Answer[];
	tookMs: number;
}

export const askAll = async (served: Served, heldOut: HeldOut, signal: AbortSignal): Promise<Quiz> => {
	const { labels } = heldOut;
	const answers = new Array<Answer>(labels.length);
	const startedAt = performance.now();
	let next = 0;
	const client = async (): Promise<void> => {
		while (next < labels.length) {
			const row = next++;
			answers[row] = await ask(served, rowOf(heldOut, row), labels[row] ?? Number.NaN, signal);
		}
	};
	await Promise.all(Array.from({ length: CLIENTS }, client));
	return { answers, tookMs: performance.now() - startedAt };
};

export const rowOf = ({ pixels }: HeldOut, row: number): number[] => pixels.slice(row * PIXELS, (row + 1) * PIXELS);

const ask = async (served: Served, pixels: number[], label: number, signal: AbortSignal): Promise<Answer> => {
	const startedAt = performance.now();
	const { outputs } = await inferHttp({ ...served, inputs: { pixels: tensor("FP32", [1, PIXELS], pixels) }, signal });
	const tookMs = performance.now() - startedAt;
	const { digit, probabilities } = outputs;
	if (!digit?.data.length || !probabilities?.data.length) {
		throw new RunmeshError("RM_UNAVAILABLE", `${served.endpoint} answered without digit or probabilities`);
	}
	return { pixels, label, digit: Number(digit.data[0]), probabilities: Array.from(probabilities.data, Number), tookMs };
};

export const isRight = ({ digit, label }: Answer): boolean => digit === label;

/** Right ones over all, as validate computes it. */
export const accuracyOf = ({ answers }: Quiz): number => answers.filter(isRight).length / answers.length;

export const percentile = (values: number[], share: number): number =>
	values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;
