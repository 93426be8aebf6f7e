/** The tokens of the CLI alone, without the wires' libraries that credentials.ts brings along: it starts on every call. */

import { readFileSync } from "node:fs";
import { RunmeshError } from "./errors.ts";
import type { Home } from "./home.ts";

/** The home's own API token, as `up` wrote it; null when there is none. */
export const readApiToken = (home: Home): string | null => readTokens(home).apiToken;

/** What models are asked with where the API is asked with `apiToken`: the home knows it for its own mesh alone. */
export const readInferenceToken = (home: Home, apiToken: string | null): string | null => {
	const own = readTokens(home);
	return own.apiToken === apiToken ? (own.inferenceToken ?? apiToken) : apiToken;
};

const readTokens = (home: Home): { apiToken: string | null; inferenceToken: string | null } => {
	try {
		const stored = JSON.parse(readFileSync(home.credentials, "utf8")) as Record<string, unknown> | null;
		const find = (name: string): string | null => {
			const value = stored?.[name];
			return typeof value === "string" && value !== "" ? value : null;
		};
		return { apiToken: find("apiToken"), inferenceToken: find("inferenceToken") };
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return { apiToken: null, inferenceToken: null };
		throw new RunmeshError("RM_BAD_INPUT", `${home.credentials} can't be read: ${(error as Error).message}`, {
			hint: "set RUNMESH_TOKEN, or delete the file and start `runmesh up` again to make new credentials",
		});
	}
};
