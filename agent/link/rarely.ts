/** Says a thing at once, then no more than once a minute while it lasts: it may happen many times a second. */

const PAUSE_MS = 60_000;

export const rarely = <Arguments extends unknown[]>(
	say: (...told: Arguments) => void,
	nowMs: () => number,
): ((...told: Arguments) => void) => {
	let quietUntilMs = Number.NEGATIVE_INFINITY;
	return (...told) => {
		const atMs = nowMs();
		if (atMs < quietUntilMs) return;
		quietUntilMs = atMs + PAUSE_MS;
		say(...told);
	};
};
