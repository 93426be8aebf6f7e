/** A stand-in for nvidia-smi on PATH that answers from a file, so that a test can change what it says. */

import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { AgentRig } from "./agent-rig.ts";

export interface NvidiaSays {
	/** By column of nvidia-smi; what is left out is "[N/A]". */
	gpus: Record<string, string>[];
	apps: { gpu_uuid: string; pid: number; used_memory: number }[];
	/** What it answers to -L and to -q -x. */
	list: string;
	report: string;
	/** Columns that this driver does not know. */
	unknown: string[];
	/** On standard error, besides the rest. */
	complaint: string;
	code: number;
	/** It never answers. */
	hangs: boolean;
}

export const twoGpus = [
	gpu("GPU-1", { name: "NVIDIA A100-SXM4-80GB", "memory.total": "81920" }),
	gpu("GPU-2", { index: "1", name: "Tesla T4", "memory.total": "15360" }),
];

export function gpu(uuid: string, more: Record<string, string> = {}): Record<string, string> {
	return {
		...{ index: "0", uuid, driver_version: "550.54.15", "mig.mode.current": "Disabled", compute_cap: "8.0" },
		...{ "pci.bus_id": "00000000:3B:00.0", "memory.used": "3", "utilization.gpu": "0" },
		...{ "ecc.errors.uncorrected.volatile.total": "0", "retired_pages.pending": "[N/A]" },
		...more,
	};
}

export interface NvidiaTool {
	/** To be the first folder of PATH. */
	bin: string;
	/** Changes what it says. */
	say(more: Partial<NvidiaSays>): void;
	/** A file that says it when it is copied over `file`. */
	prepare(name: string, more: Partial<NvidiaSays>): string;
	file: string;
}

export const standInNvidiaIn = (bin: string, first: Partial<NvidiaSays> = {}): NvidiaTool => {
	const file = join(bin, "says.json");
	mkdirSync(bin, { recursive: true });
	let state: NvidiaSays = {
		...{ gpus: twoGpus, apps: [], list: "", report: "", unknown: [], complaint: "", code: 0, hangs: false },
		...first,
	};
	const prepare: NvidiaTool["prepare"] = (name, more) => {
		writeFileSync(join(bin, name), JSON.stringify({ ...state, ...more }));
		return join(bin, name);
	};
	const say = (more: Partial<NvidiaSays>): void => {
		state = { ...state, ...more };
		renameSync(prepare("next.json", {}), file);
	};
	say({});
	writeFileSync(join(bin, "nvidia-smi"), `#!${process.execPath}\n${program(file)}`);
	chmodSync(join(bin, "nvidia-smi"), 0o755);
	return { bin, say, prepare, file };
};

/** First on the agent's PATH. The function that comes back changes what it says. */
export const standInNvidia = (rig: AgentRig, first: Partial<NvidiaSays> = {}): NvidiaTool["say"] => {
	const { bin, say } = standInNvidiaIn(join(rig.home.root, "bin"), first);
	rig.env.PATH = [bin, process.env.PATH].join(delimiter);
	return say;
};

const program = (file: string): string => `
const read = () => JSON.parse(require("node:fs").readFileSync(${JSON.stringify(file)}, "utf8"));
const says = read();
const asked = process.argv.find((word) => word.startsWith("--query-")) ?? "";
const columns = asked.split("=")[1]?.split(",") ?? [];
const refused = columns.find((column) => says.unknown.includes(column));
const table = asked.startsWith("--query-gpu") ? says.gpus : asked.startsWith("--query-compute-apps") ? says.apps : [];
// Until it is told otherwise, or its file is gone and reading throws: none may outlive its test.
if (says.hangs) setInterval(() => read().hangs || process.exit(1), 200);
else if (refused) {
	console.log(\`Field "\${refused}" is not a valid field to query.\`);
	process.exitCode = 2;
} else {
	if (process.argv.includes("-L")) console.log(says.list);
	if (process.argv.includes("-x")) console.log(says.report);
	for (const row of table) console.log(columns.map((column) => row[column] ?? "[N/A]").join(", "));
	if (says.complaint) console.error(says.complaint);
	process.exitCode = says.code;
}
`;
