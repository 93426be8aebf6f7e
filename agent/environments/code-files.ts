/** Files of the code that say which packages are wanted. */

import { readFileSync, realpathSync, statSync } from "node:fs";
import { AttemptError } from "../runner/failure.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** null when there is none; a link may not lead out of the code. */
export const findCodeFile = (work: string, path: string): string | null => {
	const whole = `${work}/${path}`;
	const stat = statSync(whole, { throwIfNoEntry: false });
	if (!stat) return null;
	const refuse = (why: string): never => {
		throw new AttemptError("setup", `"${path}" ${why}`);
	};
	if (!stat.isFile()) return refuse("is no file");
	if (stat.size > MAX_BYTES) return refuse(`has more than ${MAX_BYTES / 1024 ** 2} MiB`);
	if (!realpathSync(whole).startsWith(`${realpathSync(work)}/`)) return refuse("leads outside the code tree");
	return readFileSync(whole, "utf8");
};

export const readCodeFile = (work: string, path: string): string => {
	const text = findCodeFile(work, path);
	if (text !== null) return text;
	throw new AttemptError("setup", `"${path}" is not in the code: it is submitted with the pipeline's folder`);
};
