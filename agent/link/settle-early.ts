/**
 * Short steps end by the thousand between two heartbeats, and each keeps its folder until a heartbeat's answer says
 * that the journal has its outcome: when many wait, the next heartbeat comes sooner.
 */

export interface EarlySettlement {
	/** An outcome was reported. */
	note(): void;
	close(): void;
}

const MANY = 64;
/** By then the journal has them. */
const AFTER_MS = 150;

export const settleEarly = (beat: () => void): EarlySettlement => {
	let reported = 0;
	let timer: NodeJS.Timeout | null = null;
	return {
		note: () => {
			if (++reported < MANY || timer) return;
			timer = setTimeout(() => {
				timer = null;
				reported = 0;
				beat();
			}, AFTER_MS);
		},
		close: () => {
			if (timer) clearTimeout(timer);
		},
	};
};
