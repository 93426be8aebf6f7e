/** What the agent costs the machine that it is a guest of: by attempt, after many of them, and when it starts again. */

import { growth } from "./agent/growth.ts";
import { launchTime } from "./agent/launch.ts";
import { running } from "./agent/running.ts";
import type { Part } from "./benchmark.ts";

export const parts: readonly Part[] = [launchTime, running, growth];
