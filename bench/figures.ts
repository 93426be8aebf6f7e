/** What a benchmark finds, as `-o json` prints it (contract), and as a table for people. */

import { renderTable } from "#cli/output/table.ts";

export interface Figure {
	metric: string;
	value: number;
	unit: string;
	/** The value that must be met: at most, or at least, as `Measured` says. */
	budget?: number;
	/** The same measured without runmesh, in the same run. */
	reference?: number;
	/** value ÷ reference */
	ratio?: number;
}

export interface Measured {
	metric: string;
	value: number;
	unit: string;
	budget?: { atMost: number } | { atLeast: number } | { atLeastRatio: number };
	reference?: number;
}

/** A ratio's budget is told in the value's own unit, so that value and budget always compare. */
export const toFigure = ({ metric, value, unit, budget, reference }: Measured): Figure => ({
	metric,
	value: rounded(value),
	unit,
	...(budget === undefined ? {} : { budget: rounded(budgetValue(budget, reference)) }),
	...(reference === undefined ? {} : { reference: rounded(reference), ratio: rounded(value / reference) }),
});

const budgetValue = (budget: NonNullable<Measured["budget"]>, reference = 0): number => {
	if ("atMost" in budget) return budget.atMost;
	return "atLeast" in budget ? budget.atLeast : budget.atLeastRatio * reference;
};

const isMet = (budget: NonNullable<Measured["budget"]>, { value, reference }: Measured): boolean => {
	const limit = budgetValue(budget, reference);
	return "atMost" in budget ? value <= limit : value >= limit;
};

/** Four digits that mean something, and no more. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export const figuresTable = (measured: readonly Measured[]): string[] =>
	renderTable(
		[
			{ header: "METRIC" },
			{ header: "VALUE", align: "right" },
			{ header: "UNIT" },
			{ header: "BUDGET", align: "right" },
			{ header: "" },
			{ header: "REFERENCE", align: "right" },
			{ header: "RATIO", align: "right" },
		],
		measured.map((each) => {
			const { metric, value, unit, budget, reference, ratio } = toFigure(each);
			const bound = each.budget && "atMost" in each.budget ? "≤" : "≥";
			return [
				metric,
				String(value),
				unit,
				budget === undefined ? "" : `${bound} ${budget}`,
				each.budget ? (isMet(each.budget, each) ? "met" : "missed") : "",
				reference === undefined ? "" : String(reference),
				ratio === undefined ? "" : ratio.toFixed(2),
			];
		}),
		{ width: null },
	);

/** The value that the share `at` of the sorted samples does not exceed. */
export const percentile = (samples: readonly number[], at: number): number => {
	const sorted = samples.toSorted((a, b) => a - b);
	const found = sorted[Math.min(sorted.length - 1, Math.ceil(at * sorted.length) - 1)];
	if (found === undefined) throw new Error("no samples");
	return found;
};

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);
