/**
 * RM_REPORTS → core. A report is acknowledged only when the journal has what it led to. The streams in memory are made
 * again here when a server that started again has lost them.
 */

import { AckPolicy, type JetStreamClient, type JetStreamManager, type JsMsg, NatsError } from "nats";
import type { Logger } from "pino";
import type { Report } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import { consumers, streams, subjects } from "#shared/subjects.ts";
import { reportsCodec } from "#shared/wire/codec.ts";
import { keepConsuming } from "./consume.ts";
import { restoreMemoryStreams, type StreamOptions } from "./streams.ts";

const ACK_WAIT_NANOS = 30_000_000_000;
const UNACKED_MAX = 5_000;

export const consumeReports = (
	manager: JetStreamManager,
	client: JetStreamClient,
	options: StreamOptions,
	log: Logger,
	take: (report: Report) => Promise<void>,
): { stop(): void } => {
	let taken = false;
	return keepConsuming(
		client,
		streams.reports,
		consumers.reports,
		async () => {
			await restoreMemoryStreams(manager, options);
			// What the leader before had been handed would come again only when its time to acknowledge is over.
			if (!taken) await forget(manager);
			taken = true;
			await manager.consumers.add(streams.reports, {
				durable_name: consumers.reports,
				ack_policy: AckPolicy.Explicit,
				ack_wait: ACK_WAIT_NANOS,
				max_ack_pending: UNACKED_MAX,
			});
		},
		(message) => void handle(message, log, take),
		log,
	);
};

const CONSUMER_NOT_FOUND = 10_014;

const forget = async (manager: JetStreamManager): Promise<void> => {
	try {
		await manager.consumers.delete(streams.reports, consumers.reports);
	} catch (error) {
		if (!(error instanceof NatsError && error.jsError()?.err_code === CONSUMER_NOT_FOUND)) throw error;
	}
};

const handle = async (message: JsMsg, log: Logger, take: (report: Report) => Promise<void>): Promise<void> => {
	let reports: Report[];
	try {
		reports = reportsCodec.decode(message.data);
		for (const { agentId } of reports) {
			if (message.subject !== subjects.report(agentId)) throw new Error(`it speaks for ${agentId}`);
		}
	} catch (error) {
		log.warn({ err: error, subject: message.subject }, "reports that can't be read are dropped");
		message.term();
		return;
	}
	const failed = (await Promise.allSettled(reports.map(take))).flatMap((taken) =>
		taken.status === "rejected" ? [taken.reason] : [],
	);
	// Refused by the core, which has logged it: it would be refused again. Else this leader is done, and the next gets it.
	const isRefusal = (error: unknown): boolean => error instanceof RunmeshError && error.code === "RM_INTERNAL";
	if (!failed.every(isRefusal)) message.nak();
	else message.ack();
};
