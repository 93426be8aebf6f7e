/** A helper process of a benchmark: ends with it, whatever happens. */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface HelperProcess {
	readonly child: ChildProcess;
	/** Rejects when the process ends unasked. */
	readonly failed: Promise<never>;
	close(): Promise<void>;
}

/** Resolves when it has sent its first message. */
export const startHelper = async (program: string, args: string[]): Promise<HelperProcess> => {
	const child = fork(program, args);
	const killAtExit = (): void => void child.kill("SIGKILL");
	process.once("exit", killAtExit);
	const gone = once(child, "exit").finally(() => process.off("exit", killAtExit));
	const failed = gone.then(([code, signal]): never => {
		throw new Error(`${program} ended (${signal ?? `exit code ${code}`})`);
	});
	failed.catch(() => undefined);
	await Promise.race([once(child, "message"), failed]);
	return {
		child,
		failed,
		close: async () => {
			child.kill("SIGKILL");
			await gone;
		},
	};
};
