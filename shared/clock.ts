/** Time as an input: the cores never read a clock, the shells read this one. */
export interface Clock {
	/** Milliseconds since the epoch. */
	nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
