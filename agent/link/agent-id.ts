/**
 * The right to an agent's id. Two agents of one id, of one name or on machines cloned from one disk, would take each
 * other's tasks and vouch for each other's blobs: so one that starts asks whether another lives, and then answers those
 * that ask.
 */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { NatsConnection } from "nats";
import { RunmeshError } from "#shared/errors.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { onReconnect } from "./connection.ts";

export interface AgentIdClaim {
	/** Rejects when another of that id goes on, and this one must not. */
	readonly lost: Promise<never>;
	release(): void;
}

/** One who lives is asked in vain when it stands still; it hears of us when it goes on. */
const ANSWER_WITHIN_MS = 1_000;

interface Presence {
	session: string;
	host: string;
}

/** `folder` is the agent's own. Throws RM_ALREADY_UP when another of that id is there. */
export const claimAgentId = async (nats: NatsConnection, agentId: AgentId, folder: string): Promise<AgentIdClaim> => {
	const subject = subjects.presence(agentId);
	const me: Presence = { session: randomUUID(), host: hostname() };
	const mine = JSON.stringify(me);
	const refusal = ({ host }: Presence): RunmeshError =>
		new RunmeshError("RM_ALREADY_UP", `another agent with the id ${agentId} runs on ${host}`, {
			hint: `a home was copied, or one --name given to two: move ${folder} away here, and start it with a name of its own`,
		});

	// Nobody there is answered at once.
	const asked = await nats.request(subject, mine, { timeout: ANSWER_WITHIN_MS }).catch(() => null);
	const twin = asked && read(asked.data);
	if (twin) throw refusal(twin);

	const lost = Promise.withResolvers<never>();
	// Whoever waits for it hears of it; until then it is no unhandled one.
	lost.promise.catch(() => undefined);
	const announce = (): void => nats.publish(subject, mine);
	const subscription = nats.subscribe(subject, {
		callback: (error, message) => {
			const other = error ? null : read(message.data);
			if (!other || other.session === me.session) return;
			if (message.reply) message.respond(mine);
			// Neither heard the other when it asked: they started at once, or one could not hear. Both decide the same.
			else if (other.session < me.session) lost.reject(refusal(other));
			else announce();
		},
	});
	announce();
	void onReconnect(nats, announce);
	return { lost: lost.promise, release: () => subscription.unsubscribe() };
};

/** null for what no agent says. */
const read = (bytes: Uint8Array): Presence | null => {
	try {
		const { session, host } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Presence>;
		return typeof session === "string" && typeof host === "string" ? { session, host } : null;
	} catch {
		return null;
	}
};
