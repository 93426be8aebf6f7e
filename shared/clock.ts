/** Time as an input: the cores never read a clock, the shells read this one. */
export interface Clock {
	/** Milliseconds since the epoch. */
	nowMs(): number;
}

/** Starts at the wall clock and then only goes forward: a clock that is set moves no lease. */
export const monotonicClock: Clock = { nowMs: () => performance.timeOrigin + performance.now() };

/** The same clock, moved so that it stands at `atLeastMs` or later now: a leader's time never goes back behind another's. */
export const clockFrom = (clock: Clock, atLeastMs: number): Clock => {
	const aheadMs = Math.max(0, atLeastMs - clock.nowMs());
	return { nowMs: () => clock.nowMs() + aheadMs };
};
