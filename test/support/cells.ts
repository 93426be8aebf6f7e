/** Control groups that a test's agent leaves behind when it is killed. */

import { setTimeout as delay } from "node:timers/promises";
import { groupsIn, removeFolders } from "#agent/runner/limits/cell.ts";
import { openCells } from "#agent/runner/limits/cells.ts";

const PATIENCE = 40;

/** Why tests of cells can't be run here; "" when they can. `folder` is any. */
export const withoutCells = (folder: string): string => {
	const cells = openCells(folder, 0);
	cells?.close();
	return cells ? "" : "this host lets nobody make control groups here";
};

/** What runs in them is ended. */
export const removeCells = async (agentFolder: string): Promise<void> => {
	const cells = openCells(agentFolder, 0);
	if (!cells) return;
	cells.clear([]);
	const bases = Object.values(cells.kind.bases);
	const left = (): boolean => bases.some((base) => groupsIn(base).length > 0);
	for (let look = 0; look < PATIENCE && left(); look++) await delay(50);
	cells.close();
	for (const base of bases) removeFolders({ base });
};
