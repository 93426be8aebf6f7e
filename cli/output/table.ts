/** Aligned tables, fitted to a width by shortening the columns that may be shortened. */

import type { Paint } from "./style.ts";
import { truncate, widthOf } from "./text.ts";

export type Cell = string | { text: string; paint: Paint };

export interface Column {
	header: string;
	align?: "right";
	/** May be shortened, down to a few characters, where the table is too wide. */
	flexible?: boolean;
}

const GAP = 2;
const LEAST = 8;

const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : cell.text);
const paintOf = (cell: Cell): Paint => (typeof cell === "string" ? (text) => text : cell.paint);

/** Takes from the widest flexible column first, until it fits or nothing is left to take. */
const shrink = (widths: number[], columns: readonly Column[], limit: number): void => {
	const total = (): number => widths.reduce((sum, width) => sum + width + GAP, -GAP);
	for (let excess = total() - limit; excess > 0; excess = total() - limit) {
		let widest = -1;
		let second = LEAST;
		for (const [index, width] of widths.entries()) {
			if (!columns[index]?.flexible || width <= LEAST) continue;
			const most = widths[widest] ?? 0;
			if (width > most) {
				second = Math.max(second, most);
				widest = index;
			} else second = Math.max(second, width);
		}
		const width = widths[widest];
		if (width === undefined) return;
		widths[widest] = Math.max(width - excess, Math.min(second, width - 1));
	}
};

/** `width` null leaves every cell whole. No line has blanks at its end. */
export const renderTable = (
	columns: readonly Column[],
	rows: readonly (readonly Cell[])[],
	{ width, header = (text) => text }: { width: number | null; header?: Paint },
): string[] => {
	const widths = columns.map((column, index) =>
		rows.reduce((most, row) => Math.max(most, widthOf(textOf(row[index] ?? ""))), column.header.length),
	);
	if (width !== null) shrink(widths, columns, width);
	const line = (cells: readonly Cell[], paintAll?: Paint): string =>
		columns
			.map((column, index) => {
				const cell = cells[index] ?? "";
				const columnWidth = widths[index] ?? 0;
				const text = truncate(textOf(cell), columnWidth);
				const painted = text === "" ? "" : (paintAll ?? paintOf(cell))(text);
				const blanks = " ".repeat(columnWidth - widthOf(text));
				if (column.align === "right") return blanks + painted;
				return index === columns.length - 1 ? painted : painted + blanks;
			})
			.join(" ".repeat(GAP))
			.trimEnd();
	return [
		line(
			columns.map((column) => column.header),
			header,
		),
		...rows.map((row) => line(row)),
	];
};
