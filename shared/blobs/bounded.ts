/** Runs `work` on every item, at most `limit` at a time; the first failure stops new ones and is thrown after the rest ended. */
export const forEachBounded = async <T>(
	items: readonly T[],
	limit: number,
	work: (item: T, index: number) => Promise<void>,
): Promise<void> => {
	let next = 0;
	let failed = false;
	const lane = async (): Promise<void> => {
		while (next < items.length && !failed) {
			const index = next++;
			try {
				await work(items[index] as T, index);
			} catch (error) {
				failed = true;
				throw error;
			}
		}
	};
	const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane));
	for (const outcome of lanes) if (outcome.status === "rejected") throw outcome.reason;
};
