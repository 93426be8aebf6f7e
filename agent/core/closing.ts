/**
 * The agent is closed while somebody, such as the machine's owner, wants it so: nothing new is taken. What runs goes on
 * to its end, stands still until the agent opens again, or ends here to run elsewhere, as the one who closed it says.
 */

import type { Command } from "./commands.ts";
import type { Input } from "./inputs.ts";
import { goOn, standStill } from "./pausing.ts";
import type { AgentState, Attempt } from "./state.ts";
import { stopFor, wakeForTimeout } from "./stopping.ts";

export const closedChanged = (
	state: AgentState,
	{ by, reason, running = "finish" }: Extract<Input, { kind: "closedChanged" }>,
	nowMs: number,
): Command[] => {
	if (reason === "") state.closed.delete(by);
	else state.closed.set(by, { reason, running });
	return [...state.attempts.values()].flatMap((attempt) => heedClosed(state, attempt, nowMs));
};

/** What being closed, or open again, means for one attempt. */
export const heedClosed = (state: AgentState, attempt: Attempt, nowMs: number): Command[] => {
	const closures = [...state.closed.values()];
	const stop = closures.find(({ running }) => running === "stop");
	if (stop) return stopFor(attempt, { cause: "lost", reason: stop.reason, atMs: nowMs }, nowMs);
	if (attempt.phase !== "running" || attempt.stop) return [];
	if (closures.some(({ running }) => running === "pause")) return standStill(attempt, nowMs);
	return attempt.pausedAtMs === null ? [] : [...goOn(attempt, nowMs), ...wakeForTimeout(attempt)];
};
