/**
 * The processes under which attempts run: shells that wait for an attempt's name, run its command and write down how
 * it ended. Some are started ahead, and one whose attempt left nothing behind takes the next: a launch is one line to
 * a shell that waits, not a fork of the agent's large memory. One that is busy when the agent dies goes on to the end
 * of its attempt, one that waits ends.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AttemptId } from "#shared/ids.ts";
import type { ProcessIdentity } from "#shared/process.ts";
import { parseIdentity } from "../../system/process.ts";
import { type Cell, entrancesOf } from "../limits/cell.ts";
import { type Cells, isIn } from "../limits/cells.ts";
import type { Environment } from "../setup/environment.ts";

export interface SupervisorEvents {
	/** About to be told of it: what it must find is to be written now. False takes the launch back. */
	onTold(attemptId: AttemptId, supervisor: ProcessIdentity, cell: Cell | null): boolean;
	onStarted(attemptId: AttemptId, supervisor: ProcessIdentity): void;
	onEnded(attemptId: AttemptId, exitCode: number): void;
	/** Whoever was told has not started it, and will not. */
	onFailed(attemptId: AttemptId): void;
	/** Its supervisor is gone and has not told how it ended. */
	onVanished(attemptId: AttemptId): void;
}

export interface Supervisors {
	/** Once, when all is ready for attempts. */
	startAhead(): void;
	/** Answered by events. */
	launch(attemptId: AttemptId): void;
	/** Nothing of the attempt is left: who ran it is free for the next. */
	free(attemptId: AttemptId): void;
	close(): void;
}

interface Supervisor {
	/** null when it could not be started. */
	child: ChildProcess | null;
	/** null until it has told. */
	identity: ProcessIdentity | null;
	/** null where there are none. */
	cell: Cell | null;
	attempt: { id: AttemptId; started: boolean; ended: boolean; freed: boolean } | null;
	/** The start of a line whose end has not come. */
	heard: string;
}

/** That wait, at least. */
const AHEAD = 2;
const AT_ONCE = 4;
/** Let what took the last one go on first. */
const PAUSE_MS = 5;
/** Who was not needed for so long ends, but those ahead. */
const REST_MS = 10_000;

/** Nothing that a supervisor says is longer; what a step says in its place may be. */
const LINE_LENGTH = 4_096;

const script = fileURLToPath(new URL("./supervise.sh", import.meta.url));

export const createSupervisors = (
	root: string,
	environment: Environment,
	cells: Cells | null,
	events: SupervisorEvents,
): Supervisors => {
	const starting = new Set<Supervisor>();
	/** Who was busy last comes first. */
	const waiting: Supervisor[] = [];
	const busy = new Map<AttemptId, Supervisor>();
	/** Attempts that nobody is free for. */
	const queue: AttemptId[] = [];
	/** The fewest that waited since the last look. */
	let unneeded = 0;
	let refill: NodeJS.Timeout | null = null;
	let closed = false;

	const start = (): void => {
		const cell = cells?.make() ?? null;
		const supervisor: Supervisor = { child: null, identity: null, cell, attempt: null, heard: "" };
		starting.add(supervisor);
		const gone = (): void => lose(supervisor);
		let child: ChildProcess;
		try {
			child = spawnShell(root, environment, cell);
		} catch {
			// Some failures are thrown: no memory is left, for one.
			setImmediate(gone);
			return;
		}
		supervisor.child = child;
		child.once("error", gone);
		child.once("exit", gone);
		child.stdin?.on("error", () => undefined);
		child.stdout?.setEncoding("latin1").on("data", (text: string) => {
			const lines = `${supervisor.heard}${text}`.split("\n");
			supervisor.heard = (lines.pop() ?? "").slice(0, LINE_LENGTH);
			for (const line of lines) hear(supervisor, line);
		});
	};

	const hear = (supervisor: Supervisor, line: string): void => {
		const [word = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line)?.slice(1) ?? [];
		if (word === "ready") {
			supervisor.identity = parseIdentity(rest);
			const { cell, identity } = supervisor;
			if (cell && identity && !isIn(cell, identity.pid)) leaveCell(supervisor);
			// One that is gone may be heard late.
			const isHere = starting.delete(supervisor);
			if (isHere && supervisor.identity) wait(supervisor);
			return;
		}
		const { attempt, identity } = supervisor;
		if (!attempt || !identity) return;
		if (word === "started") {
			attempt.started = true;
			events.onStarted(attempt.id, identity);
		} else if (word === "ended") {
			attempt.ended = true;
			if (attempt.freed) wait(supervisor);
			else events.onEnded(attempt.id, Number(rest));
		} else if (word === "taken") {
			wait(supervisor);
			events.onFailed(attempt.id);
		}
	};

	const leaveCell = (supervisor: Supervisor): void => {
		if (supervisor.cell) cells?.retire(supervisor.cell);
		supervisor.cell = null;
	};

	const wait = (supervisor: Supervisor): void => {
		if (supervisor.attempt) busy.delete(supervisor.attempt.id);
		supervisor.attempt = null;
		if (closed) return;
		waiting.unshift(supervisor);
		pump();
	};

	/** For each attempt that waits one is started, a few at a time: each blocks the loop for a moment. */
	const pump = (): void => {
		for (let next = waiting[0]; next?.identity && queue.length > 0; next = waiting[0]) {
			const id = queue.shift() as AttemptId;
			if (!events.onTold(id, next.identity, next.cell)) continue;
			waiting.shift();
			next.attempt = { id, started: false, ended: false, freed: false };
			busy.set(id, next);
			next.child?.stdin?.write(`${id}\n`);
		}
		unneeded = Math.min(unneeded, waiting.length);
		while (starting.size < Math.min(queue.length, AT_ONCE)) start();
		if (waiting.length + starting.size < AHEAD) fillSoon();
	};

	const lose = (supervisor: Supervisor): void => {
		const wasStarting = starting.delete(supervisor);
		leaveCell(supervisor);
		const at = waiting.indexOf(supervisor);
		if (at !== -1) waiting.splice(at, 1);
		const { attempt } = supervisor;
		supervisor.attempt = null;
		if (attempt) busy.delete(attempt.id);
		if (closed || attempt?.ended) return;
		if (attempt?.started) return events.onVanished(attempt.id);
		const failed = attempt?.id ?? (wasStarting ? queue.shift() : undefined);
		if (failed !== undefined) events.onFailed(failed);
		if (queue.length > 0) pump();
	};

	const fillSoon = (): void => {
		if (closed) return;
		refill ??= setTimeout(() => {
			refill = null;
			start();
			pump();
		}, PAUSE_MS);
	};

	const dismiss = setInterval(() => {
		for (const { child } of waiting.splice(Math.max(AHEAD, waiting.length - unneeded))) child?.stdin?.end();
		unneeded = waiting.length;
	}, REST_MS);

	return {
		startAhead: pump,
		launch: (attemptId) => {
			queue.push(attemptId);
			pump();
		},
		free: (attemptId) => {
			const supervisor = busy.get(attemptId);
			if (!supervisor?.attempt) return;
			// Its exit record may be read before its word is heard.
			if (supervisor.attempt.ended) wait(supervisor);
			else supervisor.attempt.freed = true;
		},
		close: () => {
			closed = true;
			clearInterval(dismiss);
			if (refill) clearTimeout(refill);
			for (const { child } of [...starting, ...waiting, ...busy.values()]) {
				child?.stdin?.end();
				child?.unref();
			}
		},
	};
};

const spawnShell = (root: string, environment: Environment, cell: Cell | null): ChildProcess =>
	spawn("/bin/sh", [script, root, ...(cell ? entrancesOf(cell) : [])], {
		// No folder of an attempt, nor one that may go away.
		cwd: "/",
		env: environment,
		// A session of its own: what is typed at the agent's terminal is not meant for steps, and a stop goes to all of it.
		detached: true,
		stdio: ["pipe", "pipe", "ignore"],
	});
