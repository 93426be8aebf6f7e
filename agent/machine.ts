/** Watches the machine for the mesh: what it has, what others use of it, and what its owner says. */

import type { FetchedBlobs } from "#shared/blobs/fetched.ts";
import type { Clock } from "#shared/clock.ts";
import type { Usable } from "#shared/domain.ts";
import type { AttemptId } from "#shared/ids.ts";
import type { Input } from "./core/inputs.ts";
import type { AgentState } from "./core/state.ts";
import type { DiskOptions } from "./disk/disk.ts";
import { type AgentGpus, createAgentGpus } from "./gpus.ts";
import { watchHost } from "./host.ts";
import { capacityOf, type Offer } from "./offer.ts";
import type { AgentOptions } from "./options.ts";
import type { Others } from "./outside/others.ts";
import { type OutsideWatch, watchOutside } from "./outside/watch.ts";
import { watchOwner } from "./owner/watch.ts";
import { watchUsable } from "./usable.ts";

export interface Machine {
	/** What must be known before a task is taken is known. */
	readonly ready: Promise<unknown>;
	readonly gpus: AgentGpus;
	/** What may be placed here now. */
	usable(): Usable;
	/** Once it is known which attempts are here: the disk is kept, and what others use is told from what they do. */
	watchAttempts(relieveDisk: DiskOptions["relieve"]): Promise<void>;
	/** The rest of the fingerprint. */
	lookCloser(): Promise<void>;
	close(): void;
}

export interface MachineOptions {
	options: AgentOptions;
	/** The agent's. */
	folder: string;
	state: AgentState;
	/** Kept up to date. */
	offer: Offer;
	fetched: FetchedBlobs;
	clock: Clock;
	dispatch(input: Input): void;
	/** The offer is another now. */
	onOffer(): void;
	/** The mesh should hear at once how much less may be placed. */
	onUrgent(): void;
	warn(message: string, error: unknown): void;
}

export const watchMachine = (given: MachineOptions): Machine => {
	const { options, folder, state, offer, fetched, clock, dispatch, onOffer, onUrgent, warn } = given;
	const seesOthers = options.others === "subtract";
	let outside: OutsideWatch | null = null;
	let closed = false;

	const usable = watchUsable(
		() => capacityOf(offer.fingerprint, options),
		(now, isUrgent) => {
			dispatch({ kind: "usableKnown", usable: now });
			if (isUrgent) onUrgent();
		},
	);
	const owner = watchOwner({
		terms: options.owner,
		onChange: (reason) => dispatch({ kind: "closedChanged", by: "owner", reason, running: options.owner.onClose }),
	});
	const gpus = createAgentGpus({
		...{ options, folder, state, dispatch, warn },
		fingerprint: () => offer.fingerprint,
		onLeft: (devices) => seesOthers && usable.set({ devices }),
		learn: (finding) => host.learn(finding),
		lookAgain: () => host.lookAtGpus(),
		nowMs: () => clock.nowMs(),
	});
	const host = watchHost({
		...{ folder, options, state, fetched, dispatch },
		gpuProbe: gpus.probe,
		known: () => offer.fingerprint,
		onChange: (fingerprint) => {
			offer.fingerprint = fingerprint;
			dispatch({ kind: "capacityKnown", capacity: capacityOf(fingerprint, options) });
			usable.refresh();
			onOffer();
		},
		onDiskUsable: (diskBytes) => usable.set({ diskBytes }),
	});

	return {
		ready: Promise.all([host.ready, owner.ready]),
		gpus,
		usable: usable.current,
		watchAttempts: async (relieveDisk) => {
			await host.keepDisk(relieveDisk);
			await gpus.firstLook();
			if (closed || !seesOthers) return;
			outside = watchOutside({
				...{ clock, warn },
				isHere: (attemptId: AttemptId) => state.attempts.has(attemptId),
				claimed: (attemptId: AttemptId) => state.ledger.held.get(attemptId)?.memoryBytes ?? 0,
				onLook: (others: Others | null) => usable.set({ others }),
			});
		},
		lookCloser: host.lookCloser,
		close: () => {
			closed = true;
			for (const part of [host, gpus, owner, outside]) part?.close();
		},
	};
};
