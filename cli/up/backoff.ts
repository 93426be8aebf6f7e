/** How long to wait before a process is started again: doubled at each death, from the start after a healthy time. */

export interface Backoff {
	firstMs: number;
	maxMs: number;
	/** Ready for so long, a process has earned a quick restart. */
	healthyMs: number;
}

export const usualBackoff: Backoff = { firstMs: 100, maxMs: 5_000, healthyMs: 10_000 };

export const restartDelays = ({ firstMs, maxMs, healthyMs }: Backoff): { next(healthyForMs: number): number } => {
	let nextMs = firstMs;
	return {
		next: (healthyForMs) => {
			if (healthyForMs >= healthyMs) nextMs = firstMs;
			const waitMs = nextMs;
			nextMs = Math.min(nextMs * 2, maxMs);
			return waitMs;
		},
	};
};
