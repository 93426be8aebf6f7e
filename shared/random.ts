/** A seeded generator (mulberry32): the same seed gives the same sequence everywhere. */
export interface Random {
	/** In [0, 1). */
	next(): number;
	/** An integer in [0, below). */
	below(below: number): number;
}

export const seededRandom = (seed: number): Random => {
	let state = seed >>> 0;
	const next = (): number => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return { next, below: (below) => Math.floor(next() * below) };
};
