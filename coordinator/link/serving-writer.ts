/**
 * Writes what each agent shall serve to rm_serving. Each write names the revision that it follows, and one whose
 * revision is not known asks first who leads: a deposed leader that wakes up late overwrites nothing of its successor's.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { KV } from "nats";
import type { Logger } from "pino";
import type { DesiredServing } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { desiredServingCodec } from "#shared/wire/codec.ts";

export interface ServingWriter {
	/** Until it is written, or something newer is wanted, or this coordinator no longer leads. */
	put(agentId: AgentId, wanted: DesiredServing): void;
}

const RETRY_MS = 1_000;

export const createServingWriter = (bucket: KV, leads: () => Promise<boolean>, log: Logger): ServingWriter => {
	/** What is still to be written, the newest alone; while an agent stands here, it is being written. */
	const wanted = new Map<AgentId, DesiredServing | null>();
	const revisions = new Map<AgentId, number>();

	const write = async (agentId: AgentId, desired: DesiredServing): Promise<void> => {
		let revision = revisions.get(agentId);
		if (revision === undefined) {
			revision = (await bucket.get(agentId))?.revision ?? 0;
			// A successor that came before this answer has written, or will write, behind the revision read.
			if (!(await leads())) return;
		}
		revisions.delete(agentId);
		revisions.set(agentId, await bucket.put(agentId, desiredServingCodec.encode(desired), { previousSeq: revision }));
	};

	const writeAll = async (agentId: AgentId): Promise<void> => {
		for (let desired = wanted.get(agentId); desired; desired = wanted.get(agentId)) {
			try {
				await write(agentId, desired);
				if (wanted.get(agentId) === desired) wanted.set(agentId, null);
			} catch (error) {
				log.warn({ err: error, agent: agentId }, "desired serving state could not be written; trying again");
				await sleep(RETRY_MS, undefined, { ref: false });
			}
		}
		wanted.delete(agentId);
	};

	return {
		put: (agentId, desired) => {
			const isWriting = wanted.has(agentId);
			wanted.set(agentId, desired);
			if (!isWriting) void writeAll(agentId);
		},
	};
};
