/**
 * Trains one network on the prepared digits and leaves it as an ONNX model. Each cell of the pipeline's matrix is
 * one trial: a learning rate and a number of hidden units.
 *
 * inputs: dataset      outputs: model.onnx      parameters: epochs, seed      matrix: lr, hidden
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readDataset, rowCount } from "./lib/dataset.mjs";
import { accuracy, createNetwork, createTrainer } from "./lib/mlp.mjs";
import { encodeOnnx } from "./lib/onnx.mjs";
import { seededRandom } from "./lib/random.mjs";
import { inputPath, outputPath, readParams, reportMetric } from "./lib/step.mjs";

const { params, matrix } = readParams();
const train = readDataset(join(inputPath("dataset"), "train.json"));
const validation = readDataset(join(inputPath("dataset"), "validation.json"));
console.log(`${rowCount(train)} images, ${matrix.hidden} hidden units, learning rate ${matrix.lr}`);

const random = seededRandom(params.seed);
const network = createNetwork(matrix.hidden, random);
const trainer = createTrainer(network, { momentum: 0.9, batchSize: 32, weightDecay: 1e-4, random });

for (let epoch = 1; epoch <= params.epochs; epoch++) {
	// Falls along a half cosine: large moves first, small ones to settle.
	const learningRate = (matrix.lr * (1 + Math.cos((Math.PI * (epoch - 1)) / params.epochs))) / 2;
	const loss = trainer.epoch(train, learningRate);
	const score = accuracy(network, validation);
	reportMetric("loss", loss, epoch);
	reportMetric("accuracy", score, epoch);
	console.log(`epoch ${epoch}/${params.epochs}  loss ${loss.toFixed(4)}  accuracy ${score.toFixed(4)}`);
}

const model = encodeOnnx(network, {
	epochs: String(params.epochs),
	seed: String(params.seed),
	learning_rate: String(matrix.lr),
});
writeFileSync(outputPath("model.onnx"), model);
console.log(`wrote model.onnx, ${model.length} bytes`);
