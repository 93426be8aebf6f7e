/**
 * Asks nvidia-smi for columns of a table. Drivers differ in the columns they know: one that is not known is left out,
 * now and from then on. A device that is lost may take its line with it, or stand in words between the others'.
 */

import { askTool, runTool } from "./tool.ts";

/** Without persistence mode a driver that sleeps is woken first, which takes seconds on a machine with many devices. */
export const NVIDIA_TIMEOUT_MS = 10_000;

export type NvidiaTable = "gpu" | "compute-apps" | "remapped-rows";

export type NvidiaRow<Column extends string> = Record<Column, string>;

export interface NvidiaAnswer<Column extends string> {
	/** What a device does not tell is "". */
	rows: NvidiaRow<Column>[];
	/** Lines that are none of the table: what went wrong. */
	complaints: string[];
}

/** Columns that this machine's driver refused. */
const unknown = new Set<string>();

let last: Promise<unknown> = Promise.resolve();

/** One at a time: they only wait for each other in the driver, and that is no place to wait at. */
const oneByOne = <T>(ask: () => Promise<T>): Promise<T> => {
	const mine = last.then(ask);
	last = mine.catch(() => undefined);
	return mine;
};

/** What it says to that; null without nvidia-smi. */
export const runNvidia = (args: string[], timeoutMs = NVIDIA_TIMEOUT_MS): Promise<string | null> =>
	oneByOne(() => askTool("nvidia-smi", args, timeoutMs));

/** null without nvidia-smi. Rejects when there is no table at all, with what it said instead. */
export const askNvidia = async <Column extends string>(
	table: NvidiaTable,
	columns: readonly Column[],
	timeoutMs = NVIDIA_TIMEOUT_MS,
): Promise<NvidiaAnswer<Column> | null> => {
	const known = columns.filter((column) => !unknown.has(`${table} ${column}`));
	const query = [`--query-${table}=${known.join(",")}`, "--format=csv,noheader,nounits"];
	const answer = await oneByOne(() => runTool("nvidia-smi", query, timeoutMs));
	if (!answer) return null;
	const refused = refusedColumn(answer.output + answer.complaint);
	if (refused !== null && known.length > 1 && known.some((column) => column === refused)) {
		unknown.add(`${table} ${refused}`);
		return askNvidia(table, columns, timeoutMs);
	}
	const { rows, complaints } = parseTable(columns, known, `${answer.output}\n${answer.complaint}`);
	if (answer.code !== 0 && rows.length === 0) {
		throw new Error(`nvidia-smi failed: ${complaints[0] ?? answer.signal ?? `exit code ${answer.code}`}`);
	}
	return { rows, complaints };
};

export const refusedColumn = (text: string): string | null =>
	/Field "([\w.]+)" is not a valid field to query/.exec(text)?.[1] ?? null;

/** `known` of the columns were asked for. Names and numbers have no commas in them. */
export const parseTable = <Column extends string>(
	columns: readonly Column[],
	known: readonly Column[],
	text: string,
): NvidiaAnswer<Column> => {
	const rows: NvidiaRow<Column>[] = [];
	const complaints: string[] = [];
	const nothing = Object.fromEntries(columns.map((column) => [column, ""])) as NvidiaRow<Column>;
	for (const line of text.split("\n").map((piece) => piece.trim())) {
		if (line === "" || line === "No running processes found") continue;
		const fields = line.split(",").map((field) => field.trim());
		if (fields.length !== known.length || known.length === 1) complaints.push(line.slice(0, 300));
		else rows.push({ ...nothing, ...Object.fromEntries(known.map((column, at) => [column, told(fields[at] ?? "")])) });
	}
	return { rows, complaints };
};

const UNTOLD = /^\[?(N\/A|Not Supported|Not Found|Insufficient Permissions|No data)\]?$/i;

const told = (field: string): string => (UNTOLD.test(field) ? "" : field);

/** In nvidia-smi's MiB; null where it is not told. */
export const mebibytes = (field: string): number | null => (/^\d+$/.test(field) ? Number(field) * 1024 ** 2 : null);
