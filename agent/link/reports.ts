/**
 * Sends reports to RM_REPORTS, many under way at once, each until it is acknowledged. Held in memory alone: an
 * outcome is on disk, and the core reports it again while the journal lacks it.
 */

import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import type { Report } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { reportCodec } from "#shared/wire/codec.ts";

export interface ReportSender {
	send(report: Report): void;
	/** True when all were acknowledged in time. */
	flush(timeoutMs: number): Promise<boolean>;
	close(): void;
}

const UNDER_WAY_LIMIT = 1_000;
const HELD_LIMIT = 20_000;
const ACK_TIMEOUT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;

export const createReportSender = (nats: NatsConnection, agentId: AgentId, log: Logger): ReportSender => {
	const jetstream = nats.jetstream();
	const subject = subjects.report(agentId);
	/** Not yet acknowledged, by id. */
	const held = new Map<string, Uint8Array>();
	/** Of those, the ones to be sent (again). */
	const waiting = new Set<string>();
	const onEmpty: (() => void)[] = [];
	let underWay = 0;
	let pauseMs = 0;
	let retry: NodeJS.Timeout | null = null;
	let closed = false;

	const pump = (): void => {
		if (closed || retry) return;
		for (const reportId of waiting) {
			if (underWay >= UNDER_WAY_LIMIT) return;
			waiting.delete(reportId);
			void publish(reportId);
		}
	};

	const publish = async (reportId: string): Promise<void> => {
		const bytes = held.get(reportId);
		if (!bytes) return;
		underWay++;
		try {
			await jetstream.publish(subject, bytes, { msgID: reportId, timeout: ACK_TIMEOUT_MS });
			held.delete(reportId);
			pauseMs = 0;
		} catch (error) {
			waiting.add(reportId);
			backOff(error);
		} finally {
			underWay--;
		}
		if (held.size === 0) for (const resolve of onEmpty.splice(0)) resolve();
		pump();
	};

	/** The stream is not there yet, or the server is gone for now. */
	const backOff = (error: unknown): void => {
		if (closed || retry) return;
		pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, pauseMs * 2), LONGEST_PAUSE_MS);
		log.debug({ err: error }, "reports wait");
		retry = setTimeout(() => {
			retry = null;
			pump();
		}, pauseMs);
	};

	return {
		send: (report) => {
			if (held.has(report.reportId)) return;
			if (held.size >= HELD_LIMIT) {
				log.warn(`more than ${HELD_LIMIT} reports wait: ${report.reportId} is left for later`);
				return;
			}
			held.set(report.reportId, reportCodec.encode(report));
			waiting.add(report.reportId);
			pump();
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
			if (retry) clearTimeout(retry);
		},
	};
};
