/** Processes as /proc tells of them: for Linux alone. */

import { readdirSync, readFileSync } from "node:fs";

/** Linux tells times in these, whatever it counts in. */
export const TICKS_PER_SECOND = 100;

/** Of all that run on this host. */
export const processIds = (): number[] =>
	readdirSync("/proc")
		.map(Number)
		.filter((pid) => pid > 0);

/** A file of /proc; "" when it is gone, or not ours to read. */
export const textOf = (path: string): string => {
	try {
		return readFileSync(path, "latin1");
	} catch {
		return "";
	}
};

const MARK = "RUNMESH_ATTEMPT=";

/** Whose attempt's it is, by its environment: null when it is none's, not ours to read, or gone. */
export const attemptOf = (pid: number, proc = "/proc"): string | null => {
	const environment = textOf(`${proc}/${pid}/environ`);
	const at = environment.startsWith(MARK) ? 0 : environment.indexOf(`\0${MARK}`) + 1;
	if (at === 0 && !environment.startsWith(MARK)) return null;
	const end = environment.indexOf("\0", at);
	return environment.slice(at + MARK.length, end === -1 ? undefined : end);
};
