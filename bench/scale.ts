/** What the mesh's processes cost: at rest, and with many agents and steps. */

import type { Part } from "./benchmark.ts";
import { atRest } from "./scale/idle.ts";
import { manyAgents } from "./scale/many-agents.ts";

export const parts: readonly Part[] = [atRest, manyAgents];
