/** Tells the leader every two seconds what runs here; its answer says what must stop and what is settled. */

import { ErrorCode, type NatsConnection, NatsError } from "nats";
import type { Logger } from "pino";
import type { Heartbeat, HeartbeatReply } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { heartbeatCodec, heartbeatReplyCodec } from "#shared/wire/codec.ts";

export interface HeartbeatLoop {
	/** Now, besides the regular ones. */
	beat(): Promise<void>;
	/** Now, on a new connection: what was asked on the old one is not answered any more. */
	beatAgain(): Promise<void>;
	close(): void;
}

export interface HeartbeatOptions {
	nats: NatsConnection;
	agentId: AgentId;
	build(): Promise<Heartbeat>;
	onReply(reply: HeartbeatReply): void;
	log: Logger;
}

const INTERVAL_MS = 2_000;
/** While nobody listens, such as between two leaders: the next one should hear of this agent at once. */
const UNHEARD_MS = 100;

export const startHeartbeat = ({ nats, agentId, build, onReply, log }: HeartbeatOptions): HeartbeatLoop => {
	let closed = false;
	let underWay: Promise<void> | null = null;
	let sooner: NodeJS.Timeout | undefined;

	const beatOnce = async (): Promise<void> => {
		try {
			const bytes = heartbeatCodec.encode(await build());
			const reply = await nats.request(subjects.heartbeat(agentId), bytes, { timeout: INTERVAL_MS });
			if (!closed) onReply(heartbeatReplyCodec.decode(reply.data));
		} catch (error) {
			if (!isNobodyThere(error)) log.warn({ err: error }, "a heartbeat failed");
			else if (!closed && isUnheard(error)) sooner = setTimeout(() => void beat(), UNHEARD_MS);
		}
	};

	const beatAgain = (): Promise<void> => {
		const mine = beatOnce().finally(() => {
			if (underWay === mine) underWay = null;
		});
		underWay = mine;
		return mine;
	};
	const beat = (): Promise<void> => underWay ?? beatAgain();

	const timer = setInterval(() => void beat(), INTERVAL_MS);
	void beat();
	return {
		beat,
		beatAgain,
		close: () => {
			closed = true;
			clearInterval(timer);
			clearTimeout(sooner);
		},
	};
};

/** Told at once by the server, so asking again soon costs nothing. */
const isUnheard = (error: unknown): boolean => error instanceof NatsError && error.code === ErrorCode.NoResponders;

/** Between two leaders nobody answers; the next heartbeat tells the same. */
const isNobodyThere = (error: unknown): boolean =>
	error instanceof NatsError &&
	[ErrorCode.NoResponders, ErrorCode.Timeout, ErrorCode.Disconnect, ErrorCode.ConnectionClosed].includes(
		error.code as ErrorCode,
	);
