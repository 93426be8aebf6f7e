/** An agent's machine: its disk and the steps' processes outlive the agent's own. */

import type { Command } from "#agent/core/commands.ts";
import type { Exit, RecoveredAttempt } from "#agent/core/inputs.ts";
import { neverPaused } from "#agent/core/pausing.ts";
import type { FinishedBody, Pause, Stop } from "#agent/core/state.ts";
import type { Failure, Task } from "#shared/domain.ts";
import type { AgentId, AttemptId } from "#shared/ids.ts";
import { type Behaviour, saidBy } from "./behaviour.ts";
import { codeUseOf, numberOf, resultOf } from "./code.ts";
import type { Timer } from "./schedule.ts";

type Ending = Extract<Command, { kind: "collect" }>["ending"];

export interface HostRecord {
	task: Task;
	startedAtMs: number;
	gpuIds: string[];
	stop: Stop | null;
	pause: Pause;
	exit: Exit | null;
	outcome: FinishedBody | null;
	running: Timer | null;
	/** When it ends by itself. */
	endsAtMs: number;
	/** While it stands still: how long it would run on. */
	leftMs: number | null;
}

export class Host {
	readonly disk = new Map<AttemptId, HostRecord>();
	readonly settled: AttemptId[] = [];

	persist(task: Task): void {
		const known = this.disk.get(task.attemptId);
		if (known) known.task = task;
		else this.disk.set(task.attemptId, newRecord(task));
	}

	/** What runs now, of CPU and memory. */
	used(): { cpuMillis: number; memoryBytes: number } {
		const used = { cpuMillis: 0, memoryBytes: 0 };
		for (const { running, task } of this.disk.values()) {
			if (!running) continue;
			used.cpuMillis += task.resources.cpuMillis;
			used.memoryBytes += task.resources.memoryBytes;
		}
		return used;
	}

	recovered(): RecoveredAttempt[] {
		return [...this.disk.values()].map((record) => {
			const { task, startedAtMs, gpuIds, stop, pause } = record;
			return { task, startedAtMs, gpuIds, stop, pause, progress: progressOf(record) };
		});
	}

	/** The machine goes down: nothing survives but the disk. */
	reboot(atMs: number): void {
		for (const record of this.disk.values()) {
			if (!record.running) continue;
			record.running.cancelled = true;
			record.running = null;
			record.leftMs = null;
			record.exit = { exitCode: null, signal: "", vanished: "the machine restarted", atMs };
		}
	}
}

const newRecord = (task: Task): HostRecord => ({
	task,
	startedAtMs: 0,
	gpuIds: [],
	stop: null,
	pause: neverPaused,
	exit: null,
	outcome: null,
	running: null,
	endsAtMs: 0,
	leftMs: null,
});

const progressOf = ({ outcome, exit, running }: HostRecord): RecoveredAttempt["progress"] => {
	if (outcome) return { kind: "finished", outcome };
	if (running) return { kind: "running" };
	return exit ? { kind: "exited", exit } : { kind: "accepted" };
};

/** What the agent makes of an ended attempt. */
export const outcomeOf = (task: Task, ending: Ending, behaviour: Behaviour, holder: AgentId): FinishedBody => {
	const { runId, stepKey, attemptId, fence } = task;
	const { outcome, failure } = verdictOf(ending, behaviour);
	const succeeded = outcome === "succeeded";
	const digest = resultOf(task);
	const command = task.action.kind === "command" ? task.action.command : "";
	return {
		kind: "attemptFinished",
		attempt: { runId, stepKey, attemptId, fence },
		outcome,
		failure,
		outputs: succeeded
			? task.outputs.map(({ name, asValue }) => ({
					...{ name, digest, sizeBytes: 1, fileCount: 1, holders: [holder] },
					...(asValue ? { valueJson: JSON.stringify(saidBy(name, digest)) } : {}),
				}))
			: [],
		metrics: behaviour.silent ? [] : [{ name: "score", value: (numberOf(digest) % 1000) / 1000, step: 0 }],
		startedAtMs: 1,
		finishedAtMs: 2,
		logBytes: 0,
		logDroppedBytes: 0,
		codeUse: task.trackCode && behaviour.seesCode ? codeUseOf(command, task.code) : null,
		usage: null,
	};
};

const verdictOf = (ending: Ending, { cause }: Behaviour): Pick<FinishedBody, "outcome" | "failure"> => {
	if (ending.kind === "unstarted") return { outcome: ending.outcome, failure: ending.failure };
	const { exit, stop } = ending;
	const failed = (why: Failure["cause"], exitCode?: number): Pick<FinishedBody, "outcome" | "failure"> => ({
		outcome: "failed",
		failure: { cause: why, message: "", signal: exit.signal, ...(exitCode === undefined ? {} : { exitCode }) },
	});
	if (exit.exitCode === 0 && !stop) return { outcome: "succeeded", failure: null };
	if (stop?.cause === "cancelled") return { outcome: "cancelled", failure: null };
	if (stop?.cause === "lost") return failed("lost");
	if (stop) return failed("timeout");
	if (exit.vanished) return failed("lost");
	return failed(cause, exit.exitCode ?? undefined);
};
