/** Draws settings at random: outputs settings.json, a list of `{rate, decay, degree}`. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomFrom } from "./random.mjs";

const { values } = parseArgs({ options: { count: { type: "string" }, seed: { type: "string" } } });
const random = randomFrom(Number(values.seed));

/** Even over the orders of magnitude. */
const between = (/** @type {number} */ low, /** @type {number} */ high) =>
	Number((low * (high / low) ** random()).toPrecision(3));

const settings = Array.from({ length: Number(values.count) }, () => ({
	rate: between(0.01, 1),
	decay: between(1e-6, 1e-2),
	degree: 1 + Math.floor(7 * random()),
}));

writeFileSync(join(process.env.RUNMESH_OUTPUTS ?? ".", "settings.json"), JSON.stringify(settings));
