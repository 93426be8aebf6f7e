/**
 * Fits a polynomial by gradient descent. Input: rows; output: fit.json with its coefficients; metric: loss, on rows
 * it has not seen, after every hundredth step; 1000 at most, for settings with which it diverges.
 */

import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const STEPS = 1000;
const REPORT_EVERY = 100;
const WORST = 1000;

const options = /** @type {const} */ ({
	rate: { type: "string" },
	decay: { type: "string" },
	degree: { type: "string" },
});
const { values } = parseArgs({ options });
const [rate, decay, degree] = [values.rate, values.decay, values.degree].map(Number);

/** @typedef {[x: number, y: number][]} Rows */
/** @type {{ train: Rows, test: Rows }} */
const { train, test } = JSON.parse(readFileSync(join(process.env.RUNMESH_INPUTS ?? ".", "rows"), "utf8"));

const coefficients = new Array(degree + 1).fill(0);

const predict = (/** @type {number} */ x) => coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

const lossOn = (/** @type {Rows} */ rows) => {
	const loss = rows.reduce((sum, [x, y]) => sum + (predict(x) - y) ** 2, 0) / rows.length;
	return loss < WORST ? loss : WORST;
};

const descend = () => {
	const gradient = coefficients.map((coefficient) => decay * coefficient);
	for (const [x, y] of train) {
		const error = (2 * (predict(x) - y)) / train.length;
		for (let power = 0; power <= degree; power++) gradient[power] += error * x ** power;
	}
	for (let power = 0; power <= degree; power++) coefficients[power] -= rate * gradient[power];
};

for (let step = 1; step <= STEPS; step++) {
	descend();
	if (step % REPORT_EVERY !== 0) continue;
	appendFileSync(
		process.env.RUNMESH_METRICS ?? "metrics",
		`${JSON.stringify({ name: "loss", value: lossOn(test), step })}\n`,
	);
}

writeFileSync(
	join(process.env.RUNMESH_OUTPUTS ?? ".", "fit.json"),
	JSON.stringify({ coefficients, loss: lossOn(test) }),
);
