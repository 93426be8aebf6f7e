/** Numbers on the command line of the commands that start processes. */

import { RunmeshError } from "#shared/errors.ts";

/** More on one machine than this is a mistake. */
export const MAX_LOCAL_AGENTS = 64;

export const parseWhole = (flag: string, text: string, min: number, max: number): number => {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= min && value <= max) return value;
	throw new RunmeshError("RM_BAD_INPUT", `${flag} ${text} is not a whole number from ${min} to ${max}`);
};

export const parsePort = (flag: string, text: string): number => parseWhole(flag, text, 0, 65_535);
