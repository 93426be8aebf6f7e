/**
 * How long an agent stays: until the mesh asks it to leave, its one task is done, or it had nothing to do for too long.
 * It never goes by itself: it drains, and the leader lets it go once no run needs what it alone holds.
 */

import { formatDuration } from "#shared/pipeline/units.ts";
import type { AgentState } from "./state.ts";

const ONE_TASK = "one task";

/** Of an agent that takes one task alone: it has it, and takes no other. */
export const tookTask = ({ once, closed }: AgentState): void => {
	if (once) closed.set(ONE_TASK, { reason: "it takes one task alone, and has it", running: "finish" });
};

/** What it took it could not keep: it takes another. */
export const gaveTaskBack = ({ closed }: AgentState): void => {
	closed.delete(ONE_TASK);
};

/** Why it wishes to go; null while it does not. `idle` is for how long it had nothing to do, and may have. */
export const wishToLeave = (state: AgentState, idle: { forMs: number; mostMs: number | null }): string | null => {
	if (state.attempts.size > 0) return null;
	if (state.closed.has(ONE_TASK)) return "its one task is done";
	const { forMs, mostMs } = idle;
	return mostMs !== null && forMs >= mostMs ? `it had nothing to do for ${formatDuration(mostMs)}` : null;
};

/** What is not settled yet keeps it. */
export const mayLeave = ({ attempts, leaveAsked }: AgentState): boolean => leaveAsked && attempts.size === 0;
