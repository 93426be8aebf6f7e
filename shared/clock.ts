/** Time as an input: the cores never read a clock, the shells read this one. */
export interface Clock {
	/** Milliseconds since the epoch. */
	nowMs(): number;
}

/** Starts at the wall clock and then only goes forward: a clock that is set moves no lease. */
export const monotonicClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() };
