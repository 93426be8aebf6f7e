/** Collects what a mesh or a supervisor reports, so that a test can wait for one thing among it. */

interface Waiting<E> {
	matches: (event: E) => boolean;
	resolve: (event: E) => void;
}

export interface EventLog<E> {
	readonly seen: E[];
	onEvent: (event: E) => void;
	/** The first that matches from now on. */
	next(matches: (event: E) => boolean): Promise<E>;
}

export const eventLog = <E>(): EventLog<E> => {
	const seen: E[] = [];
	let waiting: Waiting<E>[] = [];
	return {
		seen,
		onEvent: (event) => {
			seen.push(event);
			const matching = waiting.filter(({ matches }) => matches(event));
			waiting = waiting.filter((one) => !matching.includes(one));
			for (const { resolve } of matching) resolve(event);
		},
		next: (matches) => new Promise((resolve) => waiting.push({ matches, resolve })),
	};
};
