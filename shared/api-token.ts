/** The API token alone, without the wires' libraries that credentials.ts brings along: the CLI starts on every call. */

import { readFileSync } from "node:fs";
import { RunmeshError } from "./errors.ts";
import type { Home } from "./home.ts";

/** The home's own token, as `up` wrote it; null when there is none. */
export const readApiToken = (home: Home): string | null => {
	try {
		const stored = JSON.parse(readFileSync(home.credentials, "utf8")) as { apiToken?: unknown } | null;
		return typeof stored?.apiToken === "string" && stored.apiToken !== "" ? stored.apiToken : null;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw new RunmeshError("RM_BAD_INPUT", `${home.credentials} can't be read: ${(error as Error).message}`, {
			hint: "set RUNMESH_TOKEN, or delete the file and start `runmesh up` again to make new credentials",
		});
	}
};
