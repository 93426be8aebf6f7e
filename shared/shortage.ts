/** What falls short of a request, in words: the same where steps are placed and on the agent that takes them. */

import { formatBytes, formatCpu } from "./pipeline/units.ts";

export type Quantity = "cpuMillis" | "memoryBytes" | "diskBytes";

export const quantities: readonly Quantity[] = ["cpuMillis", "memoryBytes", "diskBytes"];

const words = {
	cpuMillis: { name: "cpu", format: formatCpu },
	memoryBytes: { name: "memory", format: formatBytes },
	diskBytes: { name: "disk", format: formatBytes },
} satisfies Record<Quantity, { name: string; format: (amount: number) => string }>;

export interface Stock {
	capacity: number;
	/** Of the capacity, what others on the machine leave. */
	usable: number;
	claimed: number;
}

/** Never below nothing: others may have taken what is claimed already. */
export const freeOf = ({ usable, claimed }: Stock): number => Math.max(0, usable - claimed);

/** null when there is enough. */
export const shortage = (what: Quantity, wanted: number, stock: Stock): string | null => {
	const free = freeOf(stock);
	if (wanted <= free) return null;
	const { name, format } = words[what];
	const others = stock.capacity - stock.usable;
	const why = others > 0 ? `: others on the machine use ${format(others)}` : "";
	return `${name}: ${format(wanted)} wanted, ${format(free)} of ${format(stock.capacity)} free${why}`;
};

export type Named = Readonly<Record<string, number>>;

/** A name comes from outside: none may be taken for what every object has. */
export const amountOf = (named: Named, name: string): number => (Object.hasOwn(named, name) ? (named[name] ?? 0) : 0);

/** null when there is enough of each. */
export const namedShortage = (wanted: Named, capacity: Named, claimed: ReadonlyMap<string, number>): string | null => {
	for (const [name, amount] of Object.entries(wanted)) {
		const whole = amountOf(capacity, name);
		const free = whole - (claimed.get(name) ?? 0);
		if (amount <= free) continue;
		return whole === 0
			? `${name}: ${amount} wanted, none on the agent`
			: `${name}: ${amount} wanted, ${Math.max(0, free)} of ${whole} free`;
	}
	return null;
};

/** Of what is claimed by name; a name of which nothing is claimed is not kept. */
export const claimNamed = (claimed: Map<string, number>, named: Named, sign: 1 | -1): void => {
	for (const [name, amount] of Object.entries(named)) {
		const left = (claimed.get(name) ?? 0) + sign * amount;
		if (left === 0) claimed.delete(name);
		else claimed.set(name, left);
	}
};
