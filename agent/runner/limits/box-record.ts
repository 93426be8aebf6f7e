/** What an attempt's launch file says of its box: where it is, from what it counts, how its limits are kept. */

import { readPlain } from "../../system/plain-file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import type { CellMark } from "./cell.ts";

export interface BoxRecord {
	/** Of its cell; null without one. */
	cell: { way: string; folders: Record<string, string> } | null;
	/** Attempts of one cell are told apart, and put in order, by it. */
	use: number;
	mark: CellMark;
	/** By limit that the step has: how it is kept. */
	kept: Record<string, string>;
}

const MARK = "# box ";

/** A comment for the shell that reads the file. */
export const boxLine = (record: BoxRecord): string => `${MARK}${JSON.stringify(record)}\n`;

/** null of an attempt that was not told to anybody, or by an agent that kept no limits. */
export const readBox = ({ launch }: AttemptPaths): BoxRecord | null => {
	try {
		const line = readPlain(launch).toString().split("\n", 2)[1] ?? "";
		return line.startsWith(MARK) ? (JSON.parse(line.slice(MARK.length)) as BoxRecord) : null;
	} catch {
		return null;
	}
};

/**
 * CPU time of all that a supervisor has waited for, as it noted it when the attempt had ended: the second line after
 * that. null when it did not.
 */
export const readTimes = ({ process, folder }: AttemptPaths): number | null => {
	try {
		const lines = readPlain(process).toString().split("\n");
		const ended = lines.findLastIndex((line) => line.startsWith(`ended ${folder.slice(folder.lastIndexOf("/") + 1)} `));
		return ended === -1 ? null : parseTimes(lines[ended + 2] ?? "");
	} catch {
		return null;
	}
};

/** A line of a shell's `times`: "1m2.500000s 0m0.250000s". */
export const parseTimes = (line: string): number | null => {
	const times = [...line.matchAll(/(\d+)m(\d+[.,]?\d*)s/g)];
	if (times.length !== 2) return null;
	return times.reduce(
		(sum, [, minutes, seconds = "0"]) => sum + Number(minutes) * 60 + Number(seconds.replace(",", ".")),
		0,
	);
};
