/** The agent of a home in the foreground of this terminal. */

import type { Home } from "#shared/home.ts";
import { nodePrograms } from "../up/programs.ts";
import { runNode } from "../up/run-node.ts";

/** Its exit code. */
export const startAgentHere = (home: Home, args: string[]): Promise<number> =>
	runNode(home, nodePrograms.agent, ["--home", home.root, ...args]);
