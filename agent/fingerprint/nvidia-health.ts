/**
 * What makes an NVIDIA GPU unfit: it does not answer, or its memory fails and waits for a reset. An error that a
 * program makes, such as an address out of range, is none of these.
 */

import { askNvidia, type NvidiaRow } from "./nvidia-smi.ts";

export const healthColumns = ["memory.used", "ecc.errors.uncorrected.volatile.total", "retired_pages.pending"] as const;

type HealthRow = NvidiaRow<(typeof healthColumns)[number]>;

/** "" when nothing is wrong. */
export const nvidiaFault = (row: HealthRow): string => {
	const silent = Object.values(row).find((field) => BROKEN.test(field));
	if (silent !== undefined) return `the device does not answer: ${silent.replace(/^\[|\]$/g, "")}`;
	const pending = row["retired_pages.pending"];
	if (isYes(pending)) return "uncorrectable memory errors: a page waits to be retired, by a reset or a reboot";
	const errors = uncorrectedErrors(row);
	// Where pages are retired or rows remapped, the ones that count are those that wait.
	const isTold = pending !== "" || errors === 0;
	return isTold ? "" : `${errors} uncorrectable memory errors since the driver was loaded`;
};

export const uncorrectedErrors = (row: HealthRow): number => Number(row["ecc.errors.uncorrected.volatile.total"]) || 0;

/** What nvidia-smi says where a device should stand that it can't reach. */
export const tellsOfLoss = (text: string): boolean => LOST.test(text);

const LOST =
	/GPU is lost|fallen off the bus|Unable to determine the device handle|requires reset|couldn't communicate/i;

const BROKEN = /^\[?(unknown error|ERR!|gpu is lost|gpu requires reset|error)\]?$/i;

const isYes = (field: string): boolean => /^(yes|true|[1-9]\d*)$/i.test(field);

const rowColumns = ["gpu_uuid", "remapped_rows.pending", "remapped_rows.failure"] as const;

/** A driver from before it knows no such table. */
let isTable = true;

/** Since Ampere failing memory is remapped by rows: a table of its own. By device; of those that have a fault. */
export const remappedFaults = async (): Promise<ReadonlyMap<string, string>> => {
	if (!isTable) return new Map();
	try {
		return remappedFaultsOf((await askNvidia("remapped-rows", rowColumns))?.rows ?? []);
	} catch (error) {
		isTable = !/not a valid|invalid/i.test((error as Error).message);
		return new Map();
	}
};

export const remappedFaultsOf = (rows: readonly NvidiaRow<(typeof rowColumns)[number]>[]): Map<string, string> => {
	const faults = new Map<string, string>();
	for (const row of rows) {
		if (isYes(row["remapped_rows.failure"])) {
			faults.set(row.gpu_uuid, "its memory has failed: a row could not be remapped");
		} else if (isYes(row["remapped_rows.pending"])) {
			faults.set(row.gpu_uuid, "uncorrectable memory errors: a row waits to be remapped, by a reset or a reboot");
		}
	}
	return faults;
};
