/** The two ways a command answers: the API's resource as JSON, or a view of it for people. */

import { once } from "node:events";
import type { CliContext, Sink } from "../context.ts";
import { createStyle, type Style } from "./style.ts";
import { type Cell, type Column, renderTable } from "./table.ts";

/** Waits where the reader is slower than we are. */
export const write = async (sink: Sink, data: string | Uint8Array): Promise<void> => {
	if (!sink.write(data)) await once(sink, "drain");
};

export const printJson = (context: CliContext, resource: unknown): Promise<void> =>
	write(context.stdout, `${JSON.stringify(resource, null, 2)}\n`);

export interface View {
	style: Style;
	nowMs: number;
	table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string[];
}

export const createView = (context: Pick<CliContext, "colors" | "isTerminal" | "stdout">): View => {
	const style = createStyle(context.colors);
	const width = context.isTerminal ? (context.stdout.columns ?? 80) : null;
	return {
		style,
		nowMs: Date.now(),
		table: (columns, rows) => renderTable(columns, rows, { width, header: style.dim }),
	};
};

/** `render` makes the lines for people; it is not called in JSON mode. */
export const print = async <T>(
	context: CliContext,
	resource: T,
	render: (resource: T, view: View) => string[],
): Promise<void> => {
	if (context.output === "json") return printJson(context, resource);
	const lines = render(resource, createView(context));
	if (lines.length > 0) await write(context.stdout, `${lines.join("\n")}\n`);
};
