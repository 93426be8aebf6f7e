/**
 * Gives memory back when the agent has come to rest: starting up and bursts of work leave a heap far larger than an
 * idle agent needs, and V8 shrinks it on demand alone. Modules compiled at the start are kept for the next one.
 */

import { flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

export interface IdleMemory {
	/** Something is going on. */
	touch(): void;
	close(): void;
}

const REST_MS = 5_000;

export const trimWhenIdle = (isIdle: () => boolean): IdleMemory => {
	let touched = true;
	const timer = setInterval(() => {
		if (!touched || !isIdle()) return;
		touched = false;
		flushCompileCache();
		collectGarbage()({ type: "major", execution: "sync", flavor: "last-resort" });
	}, REST_MS);
	timer.unref();
	return {
		touch: () => {
			touched = true;
		},
		close: () => clearInterval(timer),
	};
};

let collector: Collect | undefined;

const collectGarbage = (): Collect => {
	setFlagsFromString("--expose-gc");
	collector ??= runInNewContext("gc") as Collect;
	return collector;
};
