/**
 * One deployment on this agent, on its way from what is to what is desired. A new version comes up beside the one
 * that serves, takes over, and the old one is drained; where the new one fails, the old one serves on.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { DesiredReplica, ReplicaState, ReplicaStatus } from "#shared/domain.ts";
import { errorTable, type RunmeshError, toRunmeshError } from "#shared/errors.ts";
import type { BringUpEvents, Brought } from "./bring-up.ts";
import type { ServedModel } from "./v2/app.ts";

/** As the mesh hears of it, but for where it is reached. */
export type DeploymentStatus = Omit<ReplicaStatus, "endpoint">;

export interface DeploymentOptions {
	bringUp: (wanted: DesiredReplica, events: BringUpEvents, signal: AbortSignal) => Promise<Brought>;
	onChanged: (status: DeploymentStatus) => void;
	onDeath: (wanted: DesiredReplica, how: string) => void;
	/** It came to rest, or an old version has left. */
	onSettled: () => void;
}

interface Serving extends Brought {
	wanted: DesiredReplica;
}

interface Incoming {
	wanted: DesiredReplica;
	state: "loading" | "failed";
	/** What is being done, or why it failed. */
	detail: string;
}

/** Tries before the world hears of a failure that may pass by itself. */
const QUIET_TRIES = 4;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

const statusOf = (
	{ deployment, version, revision }: DesiredReplica,
	state: ReplicaState,
	detail: string,
): DeploymentStatus => ({ deployment, version, revision, state, detail });

const sameModel = (a: DesiredReplica, b: DesiredReplica): boolean =>
	a.model === b.model &&
	a.version === b.version &&
	a.artifact?.digest === b.artifact?.digest &&
	a.golden?.digest === b.golden?.digest;

export class Deployment {
	readonly #options: DeploymentOptions;
	#wanted: DesiredReplica | null = null;
	#current: Serving | null = null;
	/** Not there yet, or refused. */
	#incoming: Incoming | null = null;
	#superseded = new AbortController();
	#work: Promise<void> | null = null;
	#again = false;
	/** Old versions that still answer what they have. */
	readonly #leaving = new Map<Promise<void>, DesiredReplica>();

	constructor(options: DeploymentOptions) {
		this.#options = options;
	}

	/** null: no more of it here. The last call wins; repeating one does nothing. */
	update(wanted: DesiredReplica | null): void {
		const before = this.#wanted;
		const same = wanted && before ? sameModel(wanted, before) : wanted === before;
		if (same && wanted?.revision === before?.revision) return;
		this.#wanted = wanted;
		if (wanted && same && this.#incoming?.state === "loading") {
			// On its way already: it will be reported under the newer revision.
			this.#incoming.wanted = wanted;
			return;
		}
		this.#incoming = null;
		this.#superseded.abort();
		this.#superseded = new AbortController();
		this.#again = true;
		this.#work ??= this.#settle();
	}

	get wanted(): DesiredReplica | null {
		return this.#wanted;
	}

	/** Neither wanted nor there any more. */
	get gone(): boolean {
		return this.#wanted === null && this.#work === null && this.#leaving.size === 0;
	}

	/** Those whose files are in use. */
	inUse(): DesiredReplica[] {
		return [this.#wanted, this.#current?.wanted, ...this.#leaving.values()].filter((wanted) => wanted != null);
	}

	/** What serves now. */
	served(): ServedModel | null {
		if (!this.#current || this.#current.replica.failure() !== null) return null;
		const { wanted, replica } = this.#current;
		return { model: wanted.model, version: wanted.version, replica };
	}

	statuses(): DeploymentStatus[] {
		const statuses: DeploymentStatus[] = [];
		if (this.#current) {
			const { wanted, replica, detail } = this.#current;
			const failure = replica.failure();
			statuses.push(statusOf(wanted, failure === null ? "serving" : "failed", failure ?? detail));
		}
		if (this.#incoming) {
			const { wanted, state, detail } = this.#incoming;
			statuses.push(statusOf(wanted, state, detail));
		}
		return statuses;
	}

	/** Ends everything; no report. */
	async close(): Promise<void> {
		this.#wanted = null;
		this.#again = false;
		this.#superseded.abort();
		await this.#work;
		await this.#current?.replica.end();
		this.#current = null;
		await Promise.all(this.#leaving.keys());
	}

	async #settle(): Promise<void> {
		while (this.#again) {
			this.#again = false;
			await this.#approach(this.#wanted, this.#superseded.signal);
		}
		this.#work = null;
		this.#options.onSettled();
	}

	async #approach(wanted: DesiredReplica | null, signal: AbortSignal): Promise<void> {
		if (!wanted) {
			this.#replaceBy(null);
			return;
		}
		const current = this.#current;
		if (current && sameModel(current.wanted, wanted) && current.replica.failure() === null) {
			current.wanted = wanted;
			this.#report(wanted, "serving", current.detail);
			return;
		}
		const incoming: Incoming = { wanted, state: "loading", detail: "" };
		this.#incoming = incoming;
		this.#report(wanted, "loading", "");
		for (let tries = 1; !signal.aborted; tries++) {
			const error = await this.#tryOnce(incoming, signal);
			if (!error || signal.aborted) return;
			const mayPass = errorTable[error.code].retryable;
			const news = incoming.state !== "failed" || incoming.detail !== error.message;
			if (news && (!mayPass || tries >= QUIET_TRIES)) {
				incoming.state = "failed";
				incoming.detail = error.message;
				this.#report(incoming.wanted, "failed", error.message);
			}
			if (!mayPass) return;
			const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
			await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
		}
	}

	/** null where it serves now, or is wanted no more. */
	async #tryOnce(incoming: Incoming, signal: AbortSignal): Promise<RunmeshError | null> {
		let serving: Serving | null = null;
		const events: BringUpEvents = {
			onPhase: (phase) => {
				if (incoming.state === "loading") incoming.detail = phase;
			},
			onDeath: (how) => this.#options.onDeath(incoming.wanted, how),
			onFailed: (reason) => {
				if (serving && serving === this.#current) this.#report(serving.wanted, "failed", reason);
			},
		};
		try {
			const brought = await this.#options.bringUp(incoming.wanted, events, signal);
			if (signal.aborted) {
				await brought.replica.end();
				return null;
			}
			serving = { ...brought, wanted: incoming.wanted };
			this.#replaceBy(serving);
			this.#incoming = null;
			this.#report(serving.wanted, "serving", serving.detail);
			return null;
		} catch (error) {
			return toRunmeshError(error);
		}
	}

	#replaceBy(next: Serving | null): void {
		const old = this.#current;
		this.#current = next;
		if (!old) return;
		const leaving = old.replica.drain().finally(() => {
			this.#leaving.delete(leaving);
			this.#options.onSettled();
		});
		this.#leaving.set(leaving, old.wanted);
	}

	#report(wanted: DesiredReplica, state: ReplicaState, detail: string): void {
		this.#options.onChanged(statusOf(wanted, state, detail));
	}
}
