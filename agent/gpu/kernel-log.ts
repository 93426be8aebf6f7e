/** What the kernel's log says of NVIDIA's devices: errors by number (Xid). Few hosts let an agent read it. */

import { uptime } from "node:os";
import { askTool } from "../fingerprint/tool.ts";

/** Those that are the device's doing. A program's own, such as an address out of range, are not among them. */
const XIDS: Readonly<Record<string, string>> = {
	48: "an uncorrectable memory error",
	62: "a halt of its controller",
	64: "a page or row that could not be retired",
	74: "an NVLink error",
	79: "it has fallen off the bus",
	95: "an uncontained memory error",
	119: "its controller does not answer",
	120: "an error of its controller",
	140: "an unrecovered memory error",
};

export interface KernelLog {
	/** Since the last call, by the device's bus; nothing where it can't be read. */
	errors(): Promise<ReadonlyMap<string, string>>;
}

export const watchKernelLog = (): KernelLog => {
	let sinceS = uptime();
	let isReadable = process.platform === "linux";
	return {
		errors: async () => {
			if (!isReadable) return new Map();
			const fromS = sinceS;
			sinceS = uptime();
			const text = await askTool("dmesg", []).catch(() => null);
			isReadable = text !== null;
			return xidsIn(text ?? "", fromS);
		},
	};
};

/** Of lines such as "[ 1234.5] NVRM: Xid (PCI:0000:5f:00): 79, pid=1, GPU has fallen off the bus.", from a time on. */
export const xidsIn = (text: string, fromS: number): Map<string, string> => {
	const found = new Map<string, string>();
	const lines = text.matchAll(
		/^\[\s*(\d+\.\d+)\].*NVRM: Xid \(PCI:([0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2})[^)]*\): (\d+)/gim,
	);
	for (const [, seconds, bus = "", xid = ""] of lines) {
		const meaning = XIDS[xid];
		if (Number(seconds) >= fromS && meaning) found.set(bus.toLowerCase(), `Xid ${xid}: ${meaning}`);
	}
	return found;
};
