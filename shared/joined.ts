/** `joined.json`: of which mesh this home's agent is a part, so that the command line here finds its coordinator. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Home } from "./home.ts";

export interface Joined {
	/** Of the coordinator's HTTP API. */
	url: string;
}

/** null in a home that has joined none. */
export const readJoined = (home: Home): Joined | null => {
	try {
		const { url } = JSON.parse(readFileSync(home.joined, "utf8")) as Partial<Joined>;
		return typeof url === "string" && URL.canParse(url) ? { url } : null;
	} catch {
		return null;
	}
};

export const writeJoined = (home: Home, joined: Joined): void => {
	const staged = `${home.joined}.${process.pid}`;
	writeFileSync(staged, `${JSON.stringify(joined, null, "\t")}\n`, { mode: 0o600 });
	renameSync(staged, home.joined);
};
