/** The read side with a long history: what is listed, filtered, searched and shown, and how the history is shortened. */

import type { Part } from "./benchmark.ts";
import { longHistory } from "./readside/history.ts";
import { largeRun } from "./readside/large-run.ts";

export const parts: readonly Part[] = [longHistory, largeRun];
