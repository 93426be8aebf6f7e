/**
 * The small process that starts supervisors. A process is forked at the cost of its memory, and the agent's is large:
 * the launcher does it in a fraction of the time and leaves the agent's loop alone.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import type { Environment } from "./environment.ts";
import { parseClaim } from "./process.ts";

export interface LauncherEvents {
	onStarted(attemptId: AttemptId, supervisor: ProcessIdentity): void;
	onEnded(attemptId: AttemptId, exitCode: number): void;
	/** It may have started all the same. */
	onFailed(attemptId: AttemptId): void;
}

export interface Launcher {
	/** Answered by an event. */
	launch(attemptId: AttemptId, folder: string): void;
	close(): void;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const createLauncher = (environment: Environment, events: LauncherEvents): Launcher => {
	let child: ChildProcess | null = null;
	/** Asked for, and not heard of. */
	const asked = new Set<AttemptId>();

	const hear = (line: string): void => {
		const [, word, attempt, rest = ""] = /^(\w+) (\S+) ?(.*)$/.exec(line) ?? [];
		const attemptId = attempt as AttemptId;
		if (word === "ended") return events.onEnded(attemptId, Number(rest));
		if (!asked.delete(attemptId)) return;
		const supervisor = word === "started" ? parseClaim(`${rest}\n`) : null;
		if (supervisor) events.onStarted(attemptId, supervisor);
		else events.onFailed(attemptId);
	};

	const start = (): ChildProcess => {
		const launcher = spawn("/bin/sh", [script("./launcher.sh"), script("./supervise.sh")], {
			env: environment,
			// Of its own group: what is typed at the agent's terminal is not meant for steps.
			detached: true,
			stdio: ["pipe", "pipe", "inherit"],
		});
		const gone = (): void => {
			if (child !== launcher) return;
			child = null;
			for (const attemptId of asked) events.onFailed(attemptId);
			asked.clear();
		};
		launcher.once("error", gone);
		launcher.once("exit", gone);
		launcher.stdin.on("error", gone);
		createInterface({ input: launcher.stdout }).on("line", hear);
		return launcher;
	};
	child = start();

	return {
		launch: (attemptId, folder) => {
			child ??= start();
			asked.add(attemptId);
			child.stdin?.write(`${attemptId} ${folder}\n`);
		},
		close: () => {
			const closing = child;
			child = null;
			closing?.stdin?.end();
			closing?.unref();
		},
	};
};
