/** What the owner of the machine keeps, adds and asks for, read from the flags once. */

import type { AgentFlagValues } from "#shared/agent-flag-values.ts";
import { RunmeshError } from "#shared/errors.ts";
import { parseBytes, parseCpu } from "#shared/pipeline/units.ts";
import type { Named, Quantity } from "#shared/shortage.ts";
import { type Hours, parseHours } from "./hours.ts";

export interface OwnerTerms {
	/** Kept for the owner. */
	readonly reserve: Readonly<Record<Quantity, number>>;
	/** What the agent has by name. */
	readonly named: Named;
	/** When it takes work; null for always. */
	readonly hours: Hours | null;
	/** Typed at within this time, the machine is its owner's; null when that does not matter. */
	readonly yieldMs: number | null;
	/** What becomes of running attempts when it closes. */
	readonly onClose: "finish" | "pause" | "stop";
}

export const ownerTerms = (flags: AgentFlagValues): OwnerTerms => ({
	reserve: readReserve(flags.reserve),
	named: readNamed(flags.resource),
	hours: flags.available === null ? null : parseHours(flags.available),
	yieldMs: flags.yieldToOwner,
	onClose: flags.onClose,
});

type Pairs = Readonly<Record<string, string>>;

const kept = {
	cpu: { what: "cpuMillis", parse: parseCpu, example: "cpu=2" },
	memory: { what: "memoryBytes", parse: parseBytes, example: "memory=4Gi" },
	disk: { what: "diskBytes", parse: parseBytes, example: "disk=50Gi" },
} as const;

const readReserve = (pairs: Pairs): Record<Quantity, number> => {
	const reserve = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 };
	for (const [name, text] of Object.entries(pairs)) {
		const of = Object.hasOwn(kept, name) ? kept[name as keyof typeof kept] : undefined;
		if (!of) {
			throw new RunmeshError("RM_BAD_INPUT", `--reserve ${name}=${text}: nothing is called ${name}`, {
				hint: "cpu, memory and disk can be kept: --reserve cpu=2,memory=4Gi,disk=50Gi",
			});
		}
		const amount = of.parse(text);
		if (amount === null) {
			throw new RunmeshError("RM_BAD_INPUT", `--reserve ${name}=${text} can't be read`, {
				hint: `write it as ${of.example}`,
			});
		}
		reserve[of.what] = amount;
	}
	return reserve;
};

const MOST_OF_ONE = 1_000_000_000;

const readNamed = (pairs: Pairs): Record<string, number> =>
	Object.fromEntries(
		Object.entries(pairs).map(([name, text]) => {
			const amount = /^\d{1,10}$/.test(text) ? Number(text) : 0;
			if (amount >= 1 && amount <= MOST_OF_ONE) return [name, amount];
			throw new RunmeshError("RM_BAD_INPUT", `--resource ${name}=${text} is no whole number above 0`, {
				hint: "write it as license.matlab=2",
			});
		}),
	);
