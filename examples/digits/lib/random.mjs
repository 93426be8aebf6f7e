/** Seeded randomness: the same seed gives the same split, the same network, the same run. */

/** @typedef {() => number} Random uniform in [0, 1) */

/**
 * Marsaglia's xorshift, 32 bits. The first draws mix the seed's few bits.
 * @param {number} seed
 * @returns {Random}
 */
export const seededRandom = (seed) => {
	let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
	const random = () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) / 2 ** 32;
	};
	for (let draw = 0; draw < 16; draw++) random();
	return random;
};

/**
 * Normally distributed, by Box and Muller.
 * @param {Random} random
 */
export const gaussian = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * In place, by Fisher and Yates.
 * @template T
 * @param {T[]} items
 * @param {Random} random
 */
export const shuffle = (items, random) => {
	for (let last = items.length - 1; last > 0; last--) {
		const other = Math.floor(random() * (last + 1));
		[items[last], items[other]] = [items[other], items[last]];
	}
	return items;
};
