/** How the steps of a mesh behave: the same attempt the same in every replay of a seed. */

import type { FailureCause, Task } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import { seededRandom } from "#shared/random.ts";
import { numberOf } from "./code.ts";

export interface Behaviour {
	runsMs: number;
	exitCode: number;
	/** Of a failure by itself. */
	cause: FailureCause;
	ignoresTerm: boolean;
	/** Reports no metric. */
	silent: boolean;
	/** The host can tell which code was read. */
	seesCode: boolean;
	/** What goes wrong before it starts. */
	refusal: "none" | "disk" | "prepare" | "launch";
}

export const behaviourOf =
	(seed: number, failing: number) =>
	({ attemptId }: Pick<Task, "attemptId">): Behaviour => {
		let hash = seed;
		for (let at = 0; at < attemptId.length; at++) hash = (Math.imul(hash, 31) + attemptId.charCodeAt(at)) >>> 0;
		const random = seededRandom(hash);
		const fails = random.next() < failing;
		const exitCode = fails ? ([1, 3, 42][random.below(3)] ?? 1) : 0;
		const refused = random.below(40);
		return {
			runsMs: random.next() < 0.2 ? 8_000 + random.below(60_000) : 10 + random.below(6_000),
			exitCode,
			cause: exitCode === 3 ? ((["oom", "disk", "output"] as const)[random.below(3)] ?? "oom") : "error",
			ignoresTerm: random.next() < 0.1,
			silent: random.next() < 0.05,
			seesCode: random.next() < 0.8,
			refusal: refused === 0 ? "disk" : refused === 1 ? "prepare" : refused === 2 ? "launch" : "none",
		};
	};

/** What an output says, where the pipeline reads it. */
export const saidBy = (output: string, digest: Digest): unknown => {
	const number = numberOf(digest);
	if (output === "verdict") return number % 3 === 0 ? "no" : "yes";
	const length = number % 4;
	switch (number % 7) {
		case 0:
			return "no list";
		case 1:
		case 2:
			return Array.from({ length }, (_, index) => ({ key: index, word: `w${index}` }));
		default:
			return Array.from({ length: length + 1 }, (_, index) => index);
	}
};
