/** Prints log records: exact bytes to a pipe, safe and prefixed lines to a terminal, records in JSON mode. */

import type { AttemptView, LogRecord, RunDetail } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { didYouMean } from "#shared/pipeline/near.ts";
import type { CliContext } from "../context.ts";
import { formatBytes } from "../output/format.ts";
import { write } from "../output/print.ts";
import { logPrefix, prefixWidth } from "../output/progress.ts";
import { createStyle } from "../output/style.ts";
import { escapeControls } from "../output/text.ts";
import { isFinished } from "./client.ts";
import { createLineAssembler, type LogLine } from "./log-lines.ts";
import { parseSince } from "./since.ts";
import { recordBytes } from "./unseen.ts";

export interface LogOptions {
	follow?: boolean;
	attempt?: number;
	since?: string;
	stream?: LogRecord["stream"];
	timestamps?: boolean;
}

interface Selection {
	/** As the API takes it. */
	step: string;
	keys: ReadonlySet<string>;
	wanted: (record: LogRecord) => boolean;
	/** Lines of more than one step may come. */
	several: boolean;
}

const select = (run: RunDetail, step: string | undefined): Selection => {
	const all = new Set(run.stepList.map(({ key }) => key));
	if (step === undefined || step === "*") return { step: "*", keys: all, wanted: () => true, several: true };
	if (all.has(step)) return { step, keys: new Set([step]), wanted: () => true, several: false };
	const cells = new Set(run.stepList.filter(({ name }) => name === step).map(({ key }) => key));
	if (cells.size > 0) return { step: "*", keys: cells, wanted: (record) => cells.has(record.step), several: true };
	const keys = run.stepList.flatMap(({ key, name }) => [key, name]);
	throw new RunmeshError("RM_NOT_FOUND", `run ${run.id} has no step "${step}"`, {
		hint: didYouMean(step, new Set(keys)) || `it has ${[...new Set(run.stepList.map(({ name }) => name))].join(", ")}`,
	});
};

/** One that is still to come may be followed. */
const checkAttempt = (run: RunDetail, keys: ReadonlySet<string>, attempt: number): void => {
	const tries = run.stepList.filter(({ key }) => keys.has(key)).flatMap(({ attempts }) => attempts);
	if (tries.some(({ number }) => number === attempt)) return;
	const whose = keys.size === 1 ? `step ${[...keys][0]} of run ${run.id}` : `run ${run.id}`;
	const most = tries.reduce((highest, { number }) => Math.max(highest, number), 0);
	throw new RunmeshError("RM_NOT_FOUND", `${whose} has had no attempt ${attempt}`, {
		hint: most === 0 ? "nothing of it has run yet" : `the last one is attempt ${most}`,
	});
};

const isGang = ({ members }: AttemptView): boolean => members.length > 0;

type Printer = { record(record: LogRecord): Promise<void>; end(): Promise<void> };

const printBytes = (cli: CliContext): Printer => ({
	record: async (record) => {
		const { droppedBytes, stream } = record;
		if (droppedBytes)
			await write(cli.stderr, `${formatBytes(droppedBytes)} of ${stream} dropped: over the log limit\n`);
		await write(cli.stdout, recordBytes(record));
	},
	end: async () => undefined,
});

const printRecords = (cli: CliContext): Printer => ({
	record: (record) => write(cli.stdout, `${JSON.stringify(record)}\n`),
	end: async () => undefined,
});

const printLines = (cli: CliContext, run: RunDetail, several: boolean, timestamps: boolean): Printer => {
	const style = createStyle(cli.colors);
	const assembler = createLineAssembler();
	const width = prefixWidth(run);
	const format = ({ label, atMs, text }: LogLine): string => {
		const prefix = several ? `${logPrefix(label, width, style)} ` : "";
		const time = timestamps ? `${style.dim(new Date(atMs).toISOString())} ` : "";
		return `${prefix}${time}${cli.isTerminal ? escapeControls(text, cli.colors) : text}\n`;
	};
	const printAll = async (lines: LogLine[]): Promise<void> => {
		if (lines.length > 0) await write(cli.stdout, lines.map(format).join(""));
	};
	return {
		record: (record) => printAll(assembler.push(record)),
		end: () => printAll(assembler.flush()),
	};
};

const printerFor = (cli: CliContext, run: RunDetail, several: boolean, timestamps: boolean): Printer => {
	if (cli.output === "json") return printRecords(cli);
	if (!several && !timestamps && !cli.isTerminal) return printBytes(cli);
	return printLines(cli, run, several, timestamps);
};

export const showLogs = async (
	cli: CliContext,
	runName: string,
	stepName: string | undefined,
	{ follow = false, attempt, since, stream, timestamps = false }: LogOptions,
): Promise<void> => {
	const sinceMs = since === undefined ? undefined : parseSince(since, Date.now());
	const client = cli.client();
	const run = await client.run(runName);
	const { step, keys, wanted, several } = select(run, stepName);
	const ofGang = run.stepList.some(({ key, attempts }) => keys.has(key) && attempts.some(isGang));
	if (attempt !== undefined && (!follow || isFinished(run))) checkAttempt(run, keys, attempt);
	const query = { attempt, sinceMs };
	const onTrouble = (error: RunmeshError): void => {
		if (cli.output === "human") cli.stderr.write(`${error.message}; trying again\n`);
	};
	const records = follow ? client.followLogs(run.id, step, query, { onTrouble }) : client.logs(run.id, step, query);
	const printer = printerFor(cli, run, several || ofGang, timestamps);
	for await (const record of records) {
		if (wanted(record) && (stream === undefined || record.stream === stream)) await printer.record(record);
	}
	await printer.end();
};
