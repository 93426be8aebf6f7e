/**
 * The core's ticks, while there is somebody to hear. After a time in which this coordinator could hear nobody, since
 * NATS was away or it did not run itself, the core is told how long that was before leases are looked at.
 */

import type { Clock } from "#shared/clock.ts";
import type { Input } from "../core/inputs.ts";

const TICK_MS = 500;
/** A tick comes so late on a busy machine too. */
const LATE_MS = 1_000;

export const keepTicking = (isConnected: () => boolean, clock: Clock, take: (input: Input) => Promise<void>): void => {
	let lastMs = clock.nowMs();
	setInterval(() => {
		if (!isConnected()) return;
		const nowMs = clock.nowMs();
		const forMs = nowMs - lastMs - TICK_MS;
		lastMs = nowMs;
		if (forMs > LATE_MS) take({ kind: "leaderWasAway", forMs }).catch(() => undefined);
		take({ kind: "tick" }).catch(() => undefined);
	}, TICK_MS);
};
