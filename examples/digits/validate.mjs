/**
 * Puts the chosen model to the test on the fifth that was held out, with the runtime that will serve it. The gates of
 * the pipeline look at the metrics it reports; golden vectors let the serving device prove that it answers the same.
 *
 * inputs: model (an ONNX file), test      outputs: golden.json, heldout.json
 */

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { CLASSES, PIXELS, readDataset, rowCount } from "./lib/dataset.mjs";
import { inputPath, outputPath, reportMetric } from "./lib/step.mjs";

process.env.ORT_DISABLE_TELEMETRY = "1";
// `require`, for it looks in NODE_PATH too: there an agent offers the packages that come with runmesh.
/** @type {typeof import("onnxruntime-node")} */
const { InferenceSession, Tensor } = createRequire(import.meta.url)("onnxruntime-node");

const GOLDEN_ROWS = 30;
const WARM_UP_RUNS = 20;

const test = readDataset(inputPath("test"));
const rows = rowCount(test);
const session = await InferenceSession.create(inputPath("model"));

/**
 * @param {number} from
 * @param {number} to not included
 */
const infer = async (from, to) => {
	const pixels = test.pixels.slice(from * PIXELS, to * PIXELS);
	const { probabilities, digit } = await session.run({ pixels: new Tensor("float32", pixels, [to - from, PIXELS]) });
	return {
		probabilities: /** @type {Float32Array} */ (probabilities?.data),
		digits: Array.from(/** @type {BigInt64Array} */ (digit?.data), Number),
	};
};

/** Time of each held-out row asked for alone, as a client would. */
const measureLatencies = async () => {
	for (let run = 0; run < WARM_UP_RUNS; run++) await infer(0, 1);
	const times = [];
	for (let row = 0; row < rows; row++) {
		const startedAt = performance.now();
		await infer(row, row + 1);
		times.push(performance.now() - startedAt);
	}
	return times.sort((a, b) => a - b);
};

const { digits } = await infer(0, rows);
const correct = digits.map((digit, row) => digit === test.labels[row]);
const recalls = Array.from({ length: CLASSES }, (_, digit) => {
	const ofDigit = correct.filter((_right, row) => test.labels[row] === digit);
	return ofDigit.filter(Boolean).length / ofDigit.length;
});
const accuracy = correct.filter(Boolean).length / rows;
const worstRecall = Math.min(...recalls);
const latencies = await measureLatencies();
const latencyP99 = latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Number.NaN;

reportMetric("accuracy", accuracy);
reportMetric("worst_recall", worstRecall);
reportMetric("latency_p99_ms", latencyP99);

const golden = await infer(0, GOLDEN_ROWS);
writeFileSync(
	outputPath("golden.json"),
	JSON.stringify({
		inputs: {
			pixels: {
				datatype: "FP32",
				shape: [GOLDEN_ROWS, PIXELS],
				data: [...test.pixels.slice(0, GOLDEN_ROWS * PIXELS)],
			},
		},
		outputs: {
			probabilities: { datatype: "FP32", shape: [GOLDEN_ROWS, CLASSES], data: [...golden.probabilities] },
		},
		tolerance: { absolute: 1e-4, relative: 1e-4 },
	}),
);
writeFileSync(
	outputPath("heldout.json"),
	JSON.stringify({ pixels: [...test.pixels], labels: [...test.labels], answers: digits }),
);

console.log(`${correct.filter(Boolean).length} of ${rows} held-out digits right: accuracy ${accuracy.toFixed(4)}`);
recalls.forEach((recall, digit) => {
	console.log(`  ${digit}  recall ${recall.toFixed(3)}`);
});
console.log(`one row takes ${latencyP99.toFixed(2)} ms at the 99th percentile`);
