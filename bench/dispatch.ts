/** How fast the mesh gets work going. */

import type { Part } from "./benchmark.ts";
import { noopThroughput } from "./dispatch/noop.ts";
import { pathCosts } from "./dispatch/path-cost.ts";
import { readyToStarted } from "./dispatch/ready-to-started.ts";
import { recovery } from "./dispatch/recovery.ts";
import { stepCosts } from "./dispatch/step-cost.ts";
import { shellThroughput, trueThroughput } from "./dispatch/true.ts";
import { upToFirstStep } from "./dispatch/up.ts";

export const parts: readonly Part[] = [
	upToFirstStep,
	readyToStarted,
	noopThroughput,
	trueThroughput,
	shellThroughput,
	recovery,
	stepCosts,
	pathCosts,
];
