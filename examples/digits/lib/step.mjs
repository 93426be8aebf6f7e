/**
 * The step contract: all that a program needs to be a step of a pipeline. runmesh tells it by environment where its
 * inputs lie, where to leave its outputs, which parameters it has and where to report metrics.
 */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @param {string} name
 * @returns {string}
 */
const fromEnvironment = (name) => {
	const value = process.env[name];
	if (value) return value;
	throw new Error(`${name} is not set: run this through runmesh, or by hand as README.md shows`);
};

/**
 * Path of an input: the file or folder that another step left as an output.
 * @param {string} name
 */
export const inputPath = (name) => join(fromEnvironment("RUNMESH_INPUTS"), name);

/**
 * Path to leave an output at, as a file or a folder.
 * @param {string} name
 */
export const outputPath = (name) => join(fromEnvironment("RUNMESH_OUTPUTS"), name);

/**
 * The run's parameters, and this trial's cell of the matrix.
 * @returns {{ params: Record<string, any>, matrix: Record<string, any> }}
 */
export const readParams = () => JSON.parse(readFileSync(fromEnvironment("RUNMESH_PARAMS"), "utf8"));

/**
 * Reports a measurement. The last value of each name is what gates and `select` look at.
 * @param {string} name
 * @param {number} value
 * @param {number} [step] such as the epoch
 */
export const reportMetric = (name, value, step = 0) =>
	appendFileSync(fromEnvironment("RUNMESH_METRICS"), `${JSON.stringify({ name, value, step })}\n`);
