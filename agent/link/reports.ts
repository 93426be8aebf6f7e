/**
 * Sends reports to RM_REPORTS, those of a few milliseconds together, each until it is acknowledged. Held in memory
 * alone: an outcome is on disk, and the core reports it again while the journal lacks it. That an attempt has started
 * nobody waits for: it is left out when the outcome, which says so too, follows soon.
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
/** Where many come, later ones wait longer: each message costs four processes a wakeup. */
const GATHER_MANY_MS = 10;
const MANY = 4;
const STARTED_WAITS_MS = 50;
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
	/** Of attempts whose start has not been told yet, by fence. */
	const starts = new Map<number, { reportId: string; timer: NodeJS.Timeout }>();
	const onEmpty: (() => void)[] = [];
	const session = randomUUID();
	let messages = 0;
	let sentAtMs = Number.NEGATIVE_INFINITY;
	let gatherMs = GATHER_MS;
	/** Messages on the present connection, which has this number. */
	let underWay = 0;
	let connection = 0;
	let pauseMs = 0;
	let next: NodeJS.Timeout | null = null;
	let closed = false;

	/** A turn of the loop at least: what else it brings is reported with it. */
	const sendSoon = (): void => {
		if (closed || next || waiting.size === 0 || underWay >= UNDER_WAY_LIMIT) return;
		next = setTimeout(sendNow, Math.max(0, pauseMs, sentAtMs + gatherMs - performance.now()));
	};

	const sendLater = (fence: number, reportId: string): void => {
		const timer = setTimeout(() => {
			starts.delete(fence);
			waiting.add(reportId);
			sendSoon();
		}, STARTED_WAITS_MS);
		starts.set(fence, { reportId, timer });
	};

	const leaveOutStart = (fence: number): void => {
		const start = starts.get(fence);
		if (!start) return;
		clearTimeout(start.timer);
		starts.delete(fence);
		waiting.delete(start.reportId);
		held.delete(start.reportId);
	};

	const sendNow = (): void => {
		next = null;
		sentAtMs = performance.now();
		const together = [...waiting].slice(0, TOGETHER_MAX);
		gatherMs = together.length >= MANY ? GATHER_MANY_MS : GATHER_MS;
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
			const { fence } = report.body.attempt;
			if (report.body.kind === "attemptStarted") return sendLater(fence, report.reportId);
			leaveOutStart(fence);
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
			for (const { timer } of starts.values()) clearTimeout(timer);
		},
	};
};
