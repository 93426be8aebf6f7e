/** Whether the machine is its owner's now: by the hours they gave, and by whether somebody types at it. */

import { lastInputAtMs } from "./input.ts";
import { ownerReason } from "./reason.ts";
import type { OwnerTerms } from "./terms.ts";

export interface OwnerWatch {
	/** Once it is known for the first time. */
	ready: Promise<void>;
	close(): void;
}

export interface OwnerWatchOptions {
	terms: OwnerTerms;
	/** Each time it is another; "" when it is the mesh's. */
	onChange(reason: string): void;
	/** The clock on the wall, which owners go by. */
	now?(): Date;
	lastInput?(nowMs: number): Promise<number | null>;
}

const LOOK_MS = 10_000;

export const watchOwner = (options: OwnerWatchOptions): OwnerWatch => {
	const { terms, onChange, now = () => new Date(), lastInput = lastInputAtMs } = options;
	if (!terms.hours && terms.yieldMs === null) return { ready: Promise.resolve(), close: () => undefined };
	let told = "";
	let looking: Promise<void> | null = null;
	let closed = false;

	const lookOnce = async (): Promise<void> => {
		const inputAtMs = terms.yieldMs === null ? null : await lastInput(now().getTime());
		const reason = ownerReason(terms, now(), inputAtMs);
		if (closed || reason === told) return;
		told = reason;
		onChange(reason);
	};
	const look = (): Promise<void> => {
		// What can't be told now leaves what was told before.
		looking ??= lookOnce()
			.catch(() => undefined)
			.finally(() => {
				looking = null;
			});
		return looking;
	};
	const timer = setInterval(() => void look(), LOOK_MS);
	timer.unref();
	return {
		ready: look(),
		close: () => {
			closed = true;
			clearInterval(timer);
		},
	};
};
