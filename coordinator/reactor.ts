/**
 * The loop around the core: what came in since the last turn → decide → one journal append for all of it → effects.
 * One append is under way at a time; meanwhile the next turn's inputs gather, so load makes batches by itself.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "#shared/clock.ts";
import { asError, RunmeshError } from "#shared/errors.ts";
import { decide } from "./core/decide.ts";
import type { Effect, Input } from "./core/inputs.ts";
import type { MeshState } from "./core/state.ts";
import type { CoreOptions, Turn } from "./core/turn.ts";
import type { CommittedBatch, Journal } from "./journal/journal.ts";

export interface ReactorPorts {
	journal: Journal;
	carryOut(effects: readonly Effect[]): void;
	/** Those who follow the journal: after the effects, before those who asked are answered. */
	committed(batches: readonly CommittedBatch[]): void;
	/** An input that the core could not take: a defect. */
	refused(input: Input, error: Error): void;
	/** A run or step that the core could not deal with, and left alone: a defect. */
	contained(subject: string, error: Error): void;
	/** The journal can't be written any more: this coordinator is done. */
	failed(error: Error): void;
	clock: Clock;
	options: CoreOptions;
}

export interface Reactor {
	/** Resolves when the journal has what the input led to. */
	take(input: Input): Promise<void>;
}

interface Waiting {
	input: Input;
	resolve(): void;
	reject(error: Error): void;
}

const INPUTS_PER_TURN = 2_000;
/** After a turn of so many inputs the next begins this much later than it did: each costs several processes a wakeup. */
const BUSY_INPUTS = 4;
const BUSY_TURN_MS = 5;
/** An append takes so long on a busy machine too. */
const HELD_MS = 1_000;

export const createReactor = (state: MeshState, ports: ReactorPorts): Reactor => {
	let waiting: Waiting[] = [];
	let busy = false;
	let broken: Error | null = null;
	/** How long the last append took. */
	let heldMs = 0;

	const run = async (): Promise<void> => {
		busy = true;
		while (waiting.length > 0 && !broken) {
			const batch = waiting.splice(0, INPUTS_PER_TURN);
			const beganAtMs = performance.now();
			try {
				await turn(batch);
				const leftMs = beganAtMs + BUSY_TURN_MS - performance.now();
				if (batch.length >= BUSY_INPUTS && leftMs > 0) await sleep(leftMs);
			} catch (error) {
				broken = asError(error);
				for (const { reject } of [...batch, ...waiting]) reject(broken);
				waiting = [];
				ports.failed(broken);
			}
		}
		busy = false;
	};

	const turn = async (batch: Waiting[]): Promise<void> => {
		const inputs = batch.map(({ input }) => input);
		// Whoever spoke while the journal could not be written is heard only now: before that no lease is over.
		if (heldMs > HELD_MS) inputs.unshift({ kind: "leaderWasAway", forMs: heldMs });
		const nowMs = ports.clock.nowMs();
		const decided: Turn = decide(state, inputs, nowMs, ports.options);
		const commits = await ports.journal.append(state.epoch, decided.events);
		heldMs = ports.clock.nowMs() - nowMs;
		ports.carryOut(decided.effects);
		// Messages leave at the end of this task: before those who follow the journal take their time, not after it.
		await null;
		if (commits.length > 0) ports.committed(commits);
		for (const { subject, error } of decided.defects) ports.contained(subject, error);
		const refusals = new Map(decided.refused.map(({ input, error }) => [input, error]));
		for (const { input, resolve, reject } of batch) {
			const error = refusals.get(input);
			if (!error) {
				resolve();
				continue;
			}
			ports.refused(input, error);
			reject(new RunmeshError("RM_INTERNAL", error.message, { cause: error }));
		}
	};

	return {
		take: (input) =>
			new Promise((resolve, reject) => {
				if (broken) return reject(broken);
				waiting.push({ input, resolve, reject });
				// Whatever else arrived in this round of the event loop comes along.
				if (!busy) {
					busy = true;
					setImmediate(() => void run());
				}
			}),
	};
};
