/** What every benchmark is given, and gives. */

import type { Measured } from "./figures.ts";

export interface BenchContext {
	/** A short run that shows that everything works; its figures mean little. */
	quick: boolean;
	/** Only what leads to these metrics; empty for all. */
	only: readonly string[];
	/** Folder for CPU profiles of the mesh's processes; null for none. */
	profiles: string | null;
	/** Folder of data sets that are not part of the repository; null when not given. */
	data: string | null;
	/** A line of progress, for people. */
	note(line: string): void;
}

/** One part of a benchmark: measured together, on a mesh of its own. */
export interface Part {
	metrics: readonly string[];
	measure(context: BenchContext): Promise<Measured[]>;
}

export const runParts = async (parts: readonly Part[], context: BenchContext): Promise<Measured[]> => {
	const { only } = context;
	const found: Measured[] = [];
	for (const { metrics, measure } of parts) {
		if (only.length > 0 && !metrics.some((metric) => only.includes(metric))) continue;
		context.note(`measuring ${metrics.join(", ")}`);
		found.push(...(await measure(context)));
	}
	return found;
};
