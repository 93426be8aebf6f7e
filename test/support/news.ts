/** Waiting for what must come to hold: looked at whenever there is something new. */

export interface News {
	/** Something is new. */
	tell(): void;
	/** Resolves when it holds. */
	until(holds: () => boolean): Promise<void>;
}

export const createNews = (): News => {
	const watchers = new Set<() => void>();
	return {
		tell: () => {
			for (const watcher of [...watchers]) watcher();
		},
		until: (holds) =>
			new Promise((resolve) => {
				const look = (): void => {
					if (!holds()) return;
					watchers.delete(look);
					resolve();
				};
				watchers.add(look);
				look();
			}),
	};
};
