/**
 * Sends reports to RM_REPORTS, those of a few milliseconds together, each until it is acknowledged. Held in memory
 * alone: an outcome is on disk, and the core reports it again while the journal lacks it.
 */

import { randomUUID } from "node:crypto";
import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import type { Report } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { reportsCodec } from "#shared/wire/codec.ts";
import { onReconnect } from "./connection.ts";

export interface ReportSender {
	send(report: Report): void;
	/** True when all were acknowledged in time. */
	flush(timeoutMs: number): Promise<boolean>;
	close(): void;
}

/** Messages follow each other no sooner: what is reported meanwhile comes along. The first waits for nothing. */
const GATHER_MS = 5;
const TOGETHER_MAX = 200;
/** NATS carries a megabyte; a report holds metrics and values. */
const MESSAGE_BYTES = 512 * 1024;
const UNDER_WAY_LIMIT = 100;
const HELD_LIMIT = 20_000;
const ACK_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;

export const createReportSender = (nats: NatsConnection, agentId: AgentId, log: Logger): ReportSender => {
	const jetstream = nats.jetstream();
	const subject = subjects.report(agentId);
	/** Not yet acknowledged, by id. */
	const held = new Map<string, Report>();
	/** Of those, the ones to be sent (again). */
	const waiting = new Set<string>();
	const onEmpty: (() => void)[] = [];
	const session = randomUUID();
	let messages = 0;
	let sentAtMs = Number.NEGATIVE_INFINITY;
	/** Messages on the present connection, which has this number. */
	let underWay = 0;
	let connection = 0;
	let pauseMs = 0;
	let next: NodeJS.Timeout | null = null;
	let closed = false;

	/** A turn of the loop at least: what else it brings is reported with it. */
	const sendSoon = (): void => {
		if (closed || next || waiting.size === 0 || underWay >= UNDER_WAY_LIMIT) return;
		next = setTimeout(sendNow, Math.max(0, pauseMs, sentAtMs + GATHER_MS - performance.now()));
	};

	const sendNow = (): void => {
		next = null;
		sentAtMs = performance.now();
		const together = [...waiting].slice(0, TOGETHER_MAX);
		for (const reportId of together) waiting.delete(reportId);
		publish(together.flatMap((reportId) => held.get(reportId) ?? []));
		sendSoon();
	};

	const publish = (reports: Report[]): void => {
		if (reports.length === 0) return;
		const bytes = reportsCodec.encode(reports);
		if (bytes.length <= MESSAGE_BYTES || reports.length === 1) return void publishMessage(reports, bytes);
		const half = Math.ceil(reports.length / 2);
		publish(reports.slice(0, half));
		publish(reports.slice(half));
	};

	const publishMessage = async (reports: Report[], bytes: Uint8Array): Promise<void> => {
		const sentOn = connection;
		const [only] = reports;
		const msgID = only && reports.length === 1 ? only.reportId : `${session}:${++messages}`;
		underWay++;
		try {
			await jetstream.publish(subject, bytes, { msgID, timeout: ACK_TIMEOUT_MS });
			for (const { reportId } of reports) held.delete(reportId);
			pauseMs = 0;
		} catch (error) {
			// Those of a lost connection have been sent again already.
			if (sentOn === connection) {
				for (const { reportId } of reports) if (held.has(reportId)) waiting.add(reportId);
				backOff(error);
			}
		}
		if (sentOn === connection) underWay--;
		if (held.size === 0) for (const resolve of onEmpty.splice(0)) resolve();
		sendSoon();
	};

	/** The stream is not there yet, or the server is gone for now. */
	const backOff = (error: unknown): void => {
		pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), LONGEST_PAUSE_MS);
		log.debug({ err: error }, "reports wait");
	};

	/** What was under way got lost. Whatever comes twice, the leader knows. */
	void onReconnect(nats, () => {
		connection++;
		underWay = 0;
		pauseMs = 0;
		if (next) clearTimeout(next);
		next = null;
		for (const reportId of held.keys()) waiting.add(reportId);
		sendSoon();
	});

	return {
		send: (report) => {
			if (held.has(report.reportId)) return;
			if (held.size >= HELD_LIMIT) {
				log.warn(`more than ${HELD_LIMIT} reports wait: ${report.reportId} is left for later`);
				return;
			}
			held.set(report.reportId, report);
			waiting.add(report.reportId);
			sendSoon();
		},
		flush: async (timeoutMs) => {
			if (held.size === 0) return true;
			const { promise, resolve } = Promise.withResolvers<boolean>();
			const timer = setTimeout(() => resolve(false), timeoutMs);
			onEmpty.push(() => resolve(true));
			const flushed = await promise;
			clearTimeout(timer);
			return flushed;
		},
		close: () => {
			closed = true;
			if (next) clearTimeout(next);
		},
	};
};
