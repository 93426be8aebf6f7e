/** Who this coordinator is: an id kept with its home, and the lock that lets one process alone be it. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Home } from "#shared/home.ts";
import { type FileLock, lockFolder } from "#shared/lock.ts";

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

/** Before anything else of the home is used: two processes of one identity would take the lead from each other. */
export const lockCoordinator = (home: Home): FileLock => {
	mkdirSync(home.coordinator, { recursive: true, mode: 0o700 });
	return lockFolder(home.coordinator, "coordinator");
};
