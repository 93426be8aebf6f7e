/**
 * Compares two states of the coordinator in all they hold, whatever that is: every field, map, set and list, and every
 * reference by where it leads. A field that a snapshot forgets shows here without anybody naming it.
 */

import { ReadyQueue } from "#coordinator/core/ready-queue.ts";
import { ResultCache } from "#coordinator/core/result-cache.ts";
import type { MeshState, Step } from "#coordinator/core/state.ts";

/** [] when they are the same; else the paths that differ. */
export const differences = (one: MeshState, other: MeshState): string[] => {
	const found: string[] = [];
	/** What a value of the first was met as in the second: references must lead to the same place. */
	const met = new Map<object, unknown>();

	const compare = (a: unknown, b: unknown, path: string): void => {
		if (found.length > 10 || Object.is(a, b)) return;
		if (a === null || b === null || typeof a !== "object" || typeof b !== "object") {
			found.push(`${path}: ${String(a)} and ${String(b)}`);
			return;
		}
		if (met.has(a)) {
			if (met.get(a) !== b) found.push(`${path}: leads elsewhere`);
			return;
		}
		if (isShared(a)) met.set(a, b);
		const [partsA, partsB] = [partsOf(a), partsOf(b)];
		if (partsA.length !== partsB.length) found.push(`${path}: ${namesOf(partsA)} and ${namesOf(partsB)}`);
		for (const [index, [name, held]] of partsA.entries()) {
			const [otherName, otherHeld] = partsB[index] ?? [undefined, undefined];
			compare(name, otherName, `${path} key ${index}`);
			compare(held, otherHeld, `${path}.${String(name)}`);
		}
	};
	compare(one, other, "state");
	return found;
};

/** Runs, steps, attempts and agents: others refer to them, and every circle leads through one. Records may be copies. */
const isShared = (value: object): boolean =>
	"steps" in value || ("run" in value && "key" in value) || "fence" in value || "node" in value;

type Part = [name: unknown, held: unknown];

const namesOf = (parts: Part[]): string => `{${parts.map(([name]) => String(name)).join(" ")}}`;

/** In an order that means something where there is one, else by name. */
const partsOf = (value: object): Part[] => {
	if (value instanceof Map) return [...value];
	if (value instanceof Set || Array.isArray(value)) return [...value].map((held, index): Part => [index, held]);
	if (value instanceof ReadyQueue) return value.steps().map((step, index): Part => [index, step]);
	if (value instanceof ResultCache) return [...value.entries()].map((entry, index): Part => [index, entry]);
	const prototype = Object.getPrototypeOf(value);
	if (prototype !== Object.prototype) throw new Error(`${prototype.constructor.name} is not known here`);
	return Object.entries(value)
		.filter(([, held]) => held !== undefined)
		.map(([name, held]): Part => [name, name === "dependents" ? present(held) : held])
		.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
};

/** What stood for the cells of a matrix is gone with its expansion, and so is who it waited for. */
const present = (dependents: Map<string, Step[]>): Map<string, Step[]> =>
	new Map(
		[...dependents].map(([name, steps]) => [name, steps.filter((step) => step.run.steps.get(step.key) === step)]),
	);
