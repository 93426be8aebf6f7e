/** Labelled images as they travel between the steps: one JSON file for each part of the split. */

import { readFileSync, writeFileSync } from "node:fs";

export const SIDE = 8;
export const PIXELS = SIDE * SIDE;
export const CLASSES = 10;

/**
 * @typedef {object} Dataset
 * @property {Float32Array} pixels each image row by row, one after the other; 0 is paper, 1 is ink
 * @property {Uint8Array} labels the digit of each image
 */

/** @param {Dataset} dataset */
export const rowCount = ({ labels }) => labels.length;

/**
 * @param {string} path
 * @param {Dataset} dataset
 */
export const writeDataset = (path, { pixels, labels }) =>
	writeFileSync(path, JSON.stringify({ pixels: [...pixels], labels: [...labels] }));

/**
 * @param {string} path
 * @returns {Dataset}
 */
export const readDataset = (path) => {
	const { pixels, labels } = JSON.parse(readFileSync(path, "utf8"));
	if (pixels.length !== labels.length * PIXELS) throw new Error(`${path} holds no whole number of images`);
	return { pixels: Float32Array.from(pixels), labels: Uint8Array.from(labels) };
};
