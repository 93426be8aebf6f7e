/** Which attempts of a home's agent are not over: the folders that have no outcome yet. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";

export const attemptsUnderWay = (home: Home): string[] => {
	const folder = join(home.agent, "attempts");
	if (!existsSync(folder)) return [];
	return readdirSync(folder).filter((attempt) => !existsSync(join(folder, attempt, "outcome.bin")));
};
