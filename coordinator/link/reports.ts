/**
 * RM_REPORTS → core. A report is acknowledged only when the journal has what it led to. The streams in memory are made
 * again here when a server that started again has lost them.
 */

import { AckPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from "nats";
import type { Logger } from "pino";
import type { Report } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import { consumers, streams, subjects } from "#shared/subjects.ts";
import { reportCodec } from "#shared/wire/codec.ts";
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
): { stop(): void } =>
	keepConsuming(
		client,
		streams.reports,
		consumers.reports,
		async () => {
			await restoreMemoryStreams(manager, options);
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

const handle = async (message: JsMsg, log: Logger, take: (report: Report) => Promise<void>): Promise<void> => {
	let report: Report;
	try {
		report = reportCodec.decode(message.data);
		if (message.subject !== subjects.report(report.agentId)) throw new Error(`it speaks for ${report.agentId}`);
	} catch (error) {
		log.warn({ err: error, subject: message.subject }, "a report that can't be read is dropped");
		message.term();
		return;
	}
	try {
		await take(report);
		message.ack();
	} catch (error) {
		// Refused by the core, which has logged it: it would be refused again. Else this leader is done, and the next gets it.
		if (error instanceof RunmeshError && error.code === "RM_INTERNAL") message.term();
		else message.nak();
	}
};
