/** Noisy points of a curve, to fit: outputs rows.json, `{train, test}` of `[x, y]`. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomFrom } from "./random.mjs";

const COUNT = 400;
const random = randomFrom(1);

const rows = Array.from({ length: COUNT }, () => {
	const x = 2 * random() - 1;
	return [x, Math.sin(3 * x) + 0.2 * (random() - 0.5)];
});

const outputs = process.env.RUNMESH_OUTPUTS ?? ".";
writeFileSync(join(outputs, "rows.json"), JSON.stringify({ train: rows.slice(0, 300), test: rows.slice(300) }));
