/**
 * Reads the digits, drops what can't be one, and splits the rest: a fifth is held out for the last word and never
 * seen in training; of the others a fifth is for choosing between the trials.
 *
 * outputs: dataset/{train,validation}.json, test.json        parameters: seed
 */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { CLASSES, PIXELS, writeDataset } from "./lib/dataset.mjs";
import { seededRandom, shuffle } from "./lib/random.mjs";
import { outputPath, readParams, reportMetric } from "./lib/step.mjs";

/** @typedef {{ pixels: number[], label: number }} Row */

const DARKEST = 16;

/**
 * @param {string} line 64 pixels from 0 to 16, then the digit
 * @returns {Row | null} null when the line is no such row
 */
const parseRow = (line) => {
	const fields = line.split(",");
	const numbers = fields.map((field) => (/^\d{1,2}$/.test(field.trim()) ? Number(field) : Number.NaN));
	const label = numbers.pop() ?? Number.NaN;
	const sound = numbers.length === PIXELS && numbers.every((ink) => ink <= DARKEST) && label < CLASSES;
	return sound ? { pixels: numbers.map((ink) => ink / DARKEST), label } : null;
};

/**
 * A share of each digit's rows goes to the first part, the others to the second.
 * @param {Row[]} rows
 * @param {number} share
 * @param {() => number} random
 * @returns {[Row[], Row[]]}
 */
const stratifiedSplit = (rows, share, random) => {
	const parts = /** @type {[Row[], Row[]]} */ ([[], []]);
	for (let digit = 0; digit < CLASSES; digit++) {
		const ofDigit = shuffle(
			rows.filter(({ label }) => label === digit),
			random,
		);
		const cut = Math.round(ofDigit.length * share);
		parts[0].push(...ofDigit.slice(0, cut));
		parts[1].push(...ofDigit.slice(cut));
	}
	return [shuffle(parts[0], random), shuffle(parts[1], random)];
};

/**
 * @param {string} path
 * @param {Row[]} rows
 */
const save = (path, rows) =>
	writeDataset(path, {
		pixels: Float32Array.from(rows.flatMap(({ pixels }) => pixels)),
		labels: Uint8Array.from(rows, ({ label }) => label),
	});

const { params } = readParams();
const lines = gunzipSync(readFileSync(new URL("digits.csv.gz", import.meta.url)))
	.toString("utf8")
	.split("\n")
	.filter((line) => line.trim() !== "");
const rows = lines.map(parseRow).filter((row) => row !== null);
const dropped = lines.length - rows.length;

const random = seededRandom(params.seed);
const [test, rest] = stratifiedSplit(rows, 1 / 5, random);
const [validation, train] = stratifiedSplit(rest, 1 / 5, random);

const dataset = outputPath("dataset");
mkdirSync(dataset, { recursive: true });
save(join(dataset, "train.json"), train);
save(join(dataset, "validation.json"), validation);
save(outputPath("test.json"), test);

reportMetric("rows", rows.length);
reportMetric("rows_dropped", dropped);
console.log(`read ${lines.length} rows, dropped ${dropped} that are malformed or out of range`);
console.log(`train ${train.length}, validation ${validation.length}, held out ${test.length}`);
