/** Whose a process on a GPU is: an attempt's of this agent, or another's, with its user and its program. */

import { statSync } from "node:fs";
import type { AttemptId } from "#shared/ids.ts";
import { fieldsOfStat } from "#shared/process.ts";
import { attemptOf, textOf } from "../system/proc.ts";

export type Owner =
	| { kind: "attempt"; attemptId: AttemptId }
	/** "alice, python" */
	| { kind: "other"; who: string }
	/** It has just ended, or lives where its number means nothing here, as in a container that the agent is in. */
	| { kind: "unseen" };

/** The attempts that this agent knows. */
export interface KnownAttempts {
	has(attemptId: string): boolean;
	/** Those with devices, by the session of their supervisor. */
	sessions: ReadonlyMap<number, AttemptId>;
}

export const ownerOf = (pid: number, { has, sessions }: KnownAttempts, proc = "/proc"): Owner => {
	const [state = "Z", , , session] = fieldsOfStat(textOf(`${proc}/${pid}/stat`));
	if (state === "Z" || state === "") return { kind: "unseen" };
	const named = attemptOf(pid, proc);
	if (named !== null && has(named)) return { kind: "attempt", attemptId: named as AttemptId };
	const bySession = sessions.get(Number(session));
	if (bySession !== undefined) return { kind: "attempt", attemptId: bySession };
	const uid = statSync(`${proc}/${pid}`, { throwIfNoEntry: false })?.uid;
	// Other users may name their control groups as they like.
	const groups = uid === process.getuid?.() ? textOf(`${proc}/${pid}/cgroup`) : "";
	for (const attemptId of sessions.values()) if (groups.includes(attemptId)) return { kind: "attempt", attemptId };
	const program = textOf(`${proc}/${pid}/comm`).trim();
	return { kind: "other", who: [userOf(uid), program].filter((word) => word !== "").join(", ") };
};

const userOf = (uid: number | undefined): string => {
	if (uid === undefined) return "";
	return new RegExp(`^([^:]+):[^:]*:${uid}:`, "m").exec(textOf("/etc/passwd"))?.[1] ?? `user ${uid}`;
};
