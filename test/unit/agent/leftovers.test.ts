/** What an attempt left running, where its cell can't be asked. */

import { expect, test } from "vitest";
import type { Cell } from "#agent/runner/limits/cell.ts";
import { createLeftovers } from "#agent/runner/processes/leftovers.ts";

test("a cell that does not tell what is in it is not taken for an empty one", async () => {
	const fail = (): never => {
		throw new Error("EMFILE");
	};
	const cell = { processIds: fail, holdsOne: fail, kill: fail } as unknown as Cell;
	expect(await createLeftovers().endIn(cell, null)).toBe("unknown");
});
