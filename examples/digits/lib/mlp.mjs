/**
 * A multilayer perceptron with one hidden layer, softmax(relu(x W₁ + b₁) W₂ + b₂), and how it learns: stochastic
 * gradient descent with momentum on the cross-entropy.
 */

import { CLASSES, PIXELS, rowCount } from "./dataset.mjs";
import { gaussian, shuffle } from "./random.mjs";

/** @import { Dataset } from "./dataset.mjs" */
/** @import { Random } from "./random.mjs" */

/**
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {Float32Array} weights [inputs, outputs], row by row
 * @property {Float32Array} bias
 */

/** @typedef {{ hidden: Layer, output: Layer }} Network */

/**
 * Weights drawn so that signals keep their size from layer to layer (He and others, 2015).
 * @param {number} inputs
 * @param {number} outputs
 * @param {Random} random
 * @returns {Layer}
 */
const createLayer = (inputs, outputs, random) => ({
	inputs,
	outputs,
	weights: Float32Array.from({ length: inputs * outputs }, () => gaussian(random) * Math.sqrt(2 / inputs)),
	bias: new Float32Array(outputs),
});

/**
 * @param {number} hiddenUnits
 * @param {Random} random
 * @returns {Network}
 */
export const createNetwork = (hiddenUnits, random) => ({
	hidden: createLayer(PIXELS, hiddenUnits, random),
	output: createLayer(hiddenUnits, CLASSES, random),
});

/**
 * x W + b for one row.
 * @param {Layer} layer
 * @param {Float32Array} row
 */
const affine = ({ inputs, outputs, weights, bias }, row) => {
	const result = Float32Array.from(bias);
	for (let i = 0; i < inputs; i++) {
		if (row[i] === 0) continue;
		for (let o = 0; o < outputs; o++) result[o] += row[i] * weights[i * outputs + o];
	}
	return result;
};

/** @param {Float32Array} row */
const relu = (row) => row.map((value) => Math.max(value, 0));

/** @param {Float32Array} row */
const softmax = (row) => {
	const largest = Math.max(...row);
	const powers = row.map((value) => Math.exp(value - largest));
	const sum = powers.reduce((total, power) => total + power);
	return powers.map((power) => power / sum);
};

/**
 * The probability of each class for one image, and the hidden activations they came from.
 * @param {Network} network
 * @param {Float32Array} image
 */
export const forward = (network, image) => {
	const activations = relu(affine(network.hidden, image));
	return { activations, probabilities: softmax(affine(network.output, activations)) };
};

/**
 * @param {Dataset} dataset
 * @param {number} row
 */
const imageAt = ({ pixels }, row) => pixels.subarray(row * PIXELS, (row + 1) * PIXELS);

/** @param {Float32Array} probabilities */
const mostLikely = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

/**
 * Share of the images whose most likely class is their label.
 * @param {Network} network
 * @param {Dataset} dataset
 */
export const accuracy = (network, dataset) => {
	let correct = 0;
	dataset.labels.forEach((label, row) => {
		if (mostLikely(forward(network, imageAt(dataset, row)).probabilities) === label) correct++;
	});
	return correct / rowCount(dataset);
};

/** Gradients, then (with momentum) velocities, have the shape of their layer. */
const zerosLike = (/** @type {Layer} */ layer) => ({
	weights: new Float32Array(layer.weights.length),
	bias: new Float32Array(layer.bias.length),
});

/**
 * Adds what one row says to a layer's gradient; returns how its input should have differed.
 * @param {Layer} layer
 * @param {{ weights: Float32Array, bias: Float32Array }} gradient
 * @param {Float32Array} row what went in
 * @param {Float32Array} error how what came out should have differed
 */
const backward = ({ inputs, outputs, weights }, gradient, row, error) => {
	const inputError = new Float32Array(inputs);
	for (let o = 0; o < outputs; o++) gradient.bias[o] += error[o];
	for (let i = 0; i < inputs; i++) {
		// A zero is paper, or a unit that relu switched off: it neither learns nor passes anything on.
		if (row[i] === 0) continue;
		for (let o = 0; o < outputs; o++) {
			gradient.weights[i * outputs + o] += row[i] * error[o];
			inputError[i] += weights[i * outputs + o] * error[o];
		}
	}
	return inputError;
};

/**
 * @param {Network} network
 * @param {{ momentum: number, batchSize: number, weightDecay: number, random: Random }} options
 */
export const createTrainer = (network, { momentum, batchSize, weightDecay, random }) => {
	const layers = [network.hidden, network.output];
	const velocities = layers.map(zerosLike);

	/**
	 * One small move of every weight against the mean gradient of a batch.
	 * @param {Dataset} dataset
	 * @param {number[]} rows
	 * @param {number} learningRate
	 * @returns {number} sum of the rows' losses before the move
	 */
	const learnBatch = (dataset, rows, learningRate) => {
		const gradients = layers.map(zerosLike);
		let loss = 0;
		for (const row of rows) {
			const image = imageAt(dataset, row);
			const { activations, probabilities } = forward(network, image);
			const label = dataset.labels[row];
			loss -= Math.log(Math.max(probabilities[label], 1e-12));
			const error = probabilities.map((probability, digit) => (probability - (digit === label ? 1 : 0)) / rows.length);
			const hiddenError = backward(network.output, gradients[1], activations, error);
			backward(network.hidden, gradients[0], image, hiddenError);
		}
		layers.forEach((layer, index) => {
			for (const part of /** @type {const} */ (["weights", "bias"])) {
				const [values, gradient, velocity] = [layer[part], gradients[index][part], velocities[index][part]];
				for (let i = 0; i < values.length; i++) {
					velocity[i] = momentum * velocity[i] - learningRate * (gradient[i] + weightDecay * values[i]);
					values[i] += velocity[i];
				}
			}
		});
		return loss;
	};

	return {
		/**
		 * Shows the network every image once, in a new order.
		 * @param {Dataset} dataset
		 * @param {number} learningRate
		 * @returns {number} mean loss
		 */
		epoch(dataset, learningRate) {
			const order = shuffle([...dataset.labels.keys()], random);
			let loss = 0;
			for (let start = 0; start < order.length; start += batchSize) {
				loss += learnBatch(dataset, order.slice(start, start + batchSize), learningRate);
			}
			return loss / order.length;
		},
	};
};
