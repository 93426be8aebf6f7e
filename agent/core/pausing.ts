/** An attempt stands still, and goes on: the time between is none of its timeout's. */

import type { Command } from "./commands.ts";
import type { Attempt, Pause } from "./state.ts";

export const neverPaused: Readonly<Pause> = Object.freeze({ sinceMs: null, beforeMs: 0 });

/** Again for one that does already: an agent that died may not have come to all of its processes. */
export const standStill = (attempt: Attempt, nowMs: number): Command[] => {
	attempt.pausedAtMs ??= nowMs;
	return [{ kind: "pause", attemptId: attempt.identity.attemptId, pause: pauseOf(attempt) }];
};

/** Nothing for one that does not stand still. */
export const goOn = (attempt: Attempt, nowMs: number): Command[] => {
	if (attempt.pausedAtMs === null) return [];
	attempt.pausedMs += nowMs - attempt.pausedAtMs;
	attempt.pausedAtMs = null;
	return [{ kind: "resume", attemptId: attempt.identity.attemptId, pause: pauseOf(attempt) }];
};

const pauseOf = ({ pausedAtMs, pausedMs }: Attempt): Pause => ({ sinceMs: pausedAtMs, beforeMs: pausedMs });
