/** Feeds the core: one input at a time, and all that it asks for is begun before the next. */

import type { Command } from "./core/commands.ts";
import { handle } from "./core/core.ts";
import type { Input } from "./core/inputs.ts";
import type { AgentState } from "./core/state.ts";

export interface CoreLoop {
	dispatch(input: Input): void;
	/** What comes from now on is not heard. */
	close(): void;
}

export interface CoreLoopOptions {
	state: AgentState;
	nowMs(): number;
	onInput(input: Input): void;
	execute(command: Command): void;
	/** This input is done, and those that came of it, unless they are still under way. */
	onDone(input: Input): void;
}

export const createCoreLoop = ({ state, nowMs, onInput, execute, onDone }: CoreLoopOptions): CoreLoop => {
	/** A command may answer at once: inputs wait until what came before them is done. */
	const waiting: Input[] = [];
	let dispatching = false;
	let closed = false;
	return {
		dispatch: (input) => {
			if (closed) return;
			onInput(input);
			waiting.push(input);
			if (dispatching) return;
			dispatching = true;
			try {
				for (let next = waiting.shift(); next; next = waiting.shift()) {
					for (const command of handle(state, next, nowMs())) execute(command);
				}
			} finally {
				dispatching = false;
			}
			onDone(input);
		},
		close: () => {
			closed = true;
		},
	};
};
