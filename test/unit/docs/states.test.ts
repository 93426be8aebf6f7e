import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { stateDiagrams, statesPath } from "../../../scripts/state-diagrams.ts";

it("docs/states.md shows the transition tables as they are; `npm run docs:states` makes it anew", () => {
	expect(readFileSync(statesPath, "utf8")).toBe(stateDiagrams());
});
