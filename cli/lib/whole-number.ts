/** Counts and versions on the command line. */

import { InvalidArgumentError } from "commander";

export const parseFromOne = (text: string): number => {
	const value = Number(text);
	if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Expected a whole number from 1.");
	return value;
};
