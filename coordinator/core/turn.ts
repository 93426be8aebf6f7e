/** One turn of the core: inputs come in, events are applied as they are decided, effects wait for the journal. */

import { asError } from "#shared/errors.ts";
import { apply } from "./apply.ts";
import type { JournalEvent } from "./events.ts";
import type { Effect, Input } from "./inputs.ts";
import type { MeshState } from "./state.ts";

export interface Turn {
	readonly state: MeshState;
	/** Leader's time: monotonic while it leads. */
	readonly nowMs: number;
	readonly options: CoreOptions;
	readonly events: JournalEvent[];
	readonly effects: Effect[];
	/** Concurrency groups in which a run may have become free to go ahead. */
	readonly groups: Set<string>;
	/** What could not be carried on, and was left alone so that all else goes on: defects, for the log. */
	readonly defects: { subject: string; error: Error }[];
	/** Inputs that could not be taken: defects, for the log. */
	readonly refused: { input: Input; error: Error }[];
}

export interface CoreOptions {
	/** An agent not heard for this long has lost its attempts. */
	leaseMs: number;
	/** A task that no heartbeat shows is sent again after this. */
	resendMs: number;
	/** An agent that handed a step back isn't asked again for this long. */
	declineMs: number;
	/** For a deploy step without a timeout of its own. */
	deployTimeoutMs: number;
}

export const defaultCoreOptions: Readonly<CoreOptions> = Object.freeze({
	leaseMs: 30_000,
	resendMs: 5_000,
	declineMs: 5_000,
	deployTimeoutMs: 600_000,
});

type WithoutTime<E> = E extends JournalEvent ? Omit<E, "atMs"> : never;

/** Decides an event: it is part of the state from now on. */
export const emit = (turn: Turn, event: WithoutTime<JournalEvent>): void => {
	const stamped = { ...event, atMs: Math.floor(turn.nowMs) } as JournalEvent;
	apply(turn.state, stamped);
	turn.events.push(stamped);
};

/** One run or step that can't be dealt with must not stop the mesh, nor each of its leaders. */
export const contain = (turn: Turn, subject: string, act: () => void): boolean => {
	try {
		act();
		return true;
	} catch (error) {
		turn.defects.push({ subject, error: asError(error) });
		return false;
	}
};
