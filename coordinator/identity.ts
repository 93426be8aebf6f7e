/** Who this coordinator is: an id kept with its home, and a lock that says no other process uses it. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";

/** The same after every restart on this home, so that a restarted coordinator takes its own lead over at once. */
export const coordinatorIdentity = (home: Home): string => {
	mkdirSync(home.coordinator, { recursive: true, mode: 0o700 });
	const path = join(home.coordinator, "id");
	try {
		return readFileSync(path, "utf8").trim();
	} catch {
		const id = `c-${randomBytes(6).toString("hex")}`;
		writeFileSync(path, `${id}\n`, { flag: "wx" });
		return id;
	}
};
