/** Watches whether it is time for the agent to leave for good (core/stay.ts); whoever started it then ends it. */

import type { Clock } from "#shared/clock.ts";
import type { AgentState } from "./core/state.ts";
import { mayLeave, wishToLeave } from "./core/stay.ts";

export interface Stay {
	/** Resolves, with the reason, when it is time. */
	readonly over: Promise<string>;
	/** Something has happened. */
	look(): void;
	close(): void;
}

export interface StayOptions {
	state: AgentState;
	/** With nothing to do for so long it wishes to go; null: never. */
	idleExitMs: number | null;
	isServing(): boolean;
	/** It wishes to go, and is to be drained. */
	onWish(reason: string): void;
	clock: Clock;
}

/** Longer than this a timer is not to be trusted with. */
const LOOK_AGAIN_MS = 3_600_000;

export const watchStay = ({ state, idleExitMs, isServing, onWish, clock }: StayOptions): Stay => {
	const over = Promise.withResolvers<string>();
	let idleSinceMs: number | null = null;
	let wish: string | null = null;
	let timer: NodeJS.Timeout | undefined;

	const look = (): void => {
		if (mayLeave(state)) over.resolve(wish ?? "it was drained, and asked to leave");
		if (wish !== null) return;
		const nowMs = clock.nowMs();
		const isIdle = state.attempts.size === 0 && !isServing();
		idleSinceMs = isIdle ? (idleSinceMs ?? nowMs) : null;
		const forMs = idleSinceMs === null ? 0 : nowMs - idleSinceMs;
		clearTimeout(timer);
		wish = wishToLeave(state, { forMs, mostMs: idleExitMs });
		if (wish !== null) onWish(wish);
		else if (idleExitMs !== null && isIdle) timer = setTimeout(look, Math.min(idleExitMs - forMs + 1, LOOK_AGAIN_MS));
	};

	return { over: over.promise, look, close: () => clearTimeout(timer) };
};
