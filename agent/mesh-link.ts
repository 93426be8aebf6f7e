/** The agent's part in the mesh, from the moment it is connected: it adverts itself, beats, takes tasks, reports. */

import { randomUUID } from "node:crypto";
import { freemem, loadavg } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "nats";
import type { Logger } from "pino";
import { monotonicClock } from "#shared/clock.ts";
import type { Control, Heartbeat, Report, Usable } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { attemptStatuses } from "./core/core.ts";
import type { Input } from "./core/inputs.ts";
import { type AgentState, closedReason } from "./core/state.ts";
import { diskGauge } from "./fingerprint/disk.ts";
import { createAdvertiser } from "./link/advert.ts";
import { onReconnect } from "./link/connection.ts";
import { listenForControl } from "./link/control.ts";
import { followDesiredServing } from "./link/desired-serving.ts";
import { type HeartbeatLoop, startHeartbeat } from "./link/heartbeat.ts";
import { type CoordinatorAddress, watchLeader } from "./link/leader.ts";
import { createReportSender } from "./link/reports.ts";
import { settleEarly } from "./link/settle-early.ts";
import { feedTasks } from "./link/tasks.ts";
import { withdraw } from "./link/withdraw.ts";
import { buildAdvert, type Offer } from "./offer.ts";
import type { AgentOptions } from "./options.ts";
import type { ServingHost } from "./serving-host.ts";

export interface MeshLink {
	acknowledge(delivery: number): void;
	report(report: Report): void;
	/** Something in the advert changed. */
	advertise(): void;
	/** Something that the mesh should hear before the next heartbeat is due. */
	beat(): void;
	/**
	 * Says good-bye, acknowledges what it took, and sends what is still to be said, for a short while. For good, it removes
	 * what the mesh kept for it.
	 */
	leave(forGood: boolean): Promise<void>;
}

export interface MeshLinkOptions {
	nats: NatsConnection;
	agentId: AgentId;
	options: AgentOptions;
	/** Kept up to date. */
	coordinator: CoordinatorAddress;
	offer: Offer;
	state: AgentState;
	/** What may be placed here now. */
	usable(): Usable;
	serving: ServingHost;
	/** Before it, the agent does not know what runs here: it beats and takes nothing. */
	recovered: Promise<void>;
	dispatch(input: Input): void;
	log: Logger;
}

/** A leader that is not there yet is not waited for longer. */
const UNHEARD_MS = 2_000;
const GOODBYE_MS = 500;
const FLUSH_MS = 1_500;

const soon = (what: Promise<unknown> | undefined): Promise<unknown> =>
	Promise.race([what?.catch(() => undefined), delay(GOODBYE_MS)]);

export const joinMesh = (given: MeshLinkOptions): { link: MeshLink; joined: Promise<void> } => {
	const { nats, agentId, options, coordinator, offer, state, usable, serving, recovered, dispatch, log } = given;
	const sessionId = randomUUID();
	const folder = options.home.agent;
	const closers: (() => void)[] = [];

	const reports = createReportSender(nats, agentId, log);
	const advertiser = createAdvertiser(
		nats,
		agentId,
		() => {
			const served = { endpoint: serving.endpoint(), replicas: serving.statuses() };
			const more = { cordoned: state.draining, atMs: monotonicClock.nowMs() };
			return buildAdvert(agentId, options, offer, served, more);
		},
		log,
	);
	const diskAvailableBytes = diskGauge(folder);
	const buildHeartbeat = async (): Promise<Heartbeat> => {
		const load = {
			load1: loadavg()[0] ?? 0,
			memoryAvailableBytes: freemem(),
			diskAvailableBytes: await diskAvailableBytes(),
		};
		return {
			agentId,
			sessionId,
			atMs: monotonicClock.nowMs(),
			attempts: attemptStatuses(state),
			load,
			draining: state.draining,
			usable: usable(),
			closed: closedReason(state),
		};
	};
	const desired = followDesiredServing({
		nats,
		agentId,
		path: `${folder}/serving.bin`,
		onDesired: serving.reconcile,
		log,
	});
	const onControl = ({ leaderEpoch, stop }: Control): void => {
		for (const { attemptId, reason } of stop) dispatch({ kind: "stopAsked", leaderEpoch, attemptId, reason });
	};
	const control = listenForControl(nats, agentId, onControl, log);
	const leader = watchLeader(nats, coordinator, log);
	const early = settleEarly(() => void heartbeat?.beat());
	closers.push(advertiser.close, early.close, desired.close, leader.close, () => control.unsubscribe());

	let tasks: ReturnType<typeof feedTasks> | null = null;
	let heartbeat: HeartbeatLoop | null = null;
	const heard = Promise.withResolvers<void>();
	const takePart = async (): Promise<void> => {
		await recovered;
		heartbeat = startHeartbeat({
			nats,
			agentId,
			build: buildHeartbeat,
			onReply: (reply) => {
				heard.resolve();
				dispatch({ kind: "heartbeatReplied", reply });
				if (reply.advertise) void advertiser.put();
			},
			log,
		});
		tasks = feedTasks({
			nats,
			agentId,
			onTask: (delivery, task) => dispatch({ kind: "taskReceived", delivery, task }),
			log,
		});
		closers.push(heartbeat.close);
		// GPUs may have come since.
		void advertiser.put();
	};
	void takePart();
	void onReconnect(nats, () => {
		void heartbeat?.beatAgain();
		void advertiser.put();
		desired.renew();
		leader.renew();
	});

	const link: MeshLink = {
		acknowledge: (delivery) => tasks?.acknowledge(delivery),
		report: (report) => {
			reports.send(report);
			if (report.body.kind === "attemptFinished") early.note();
		},
		advertise: () => void advertiser.put(),
		beat: () => void heartbeat?.beat(),
		leave: async (forGood) => {
			const acknowledged = tasks?.close();
			await Promise.all([soon(heartbeat?.beat()), soon(acknowledged), forGood && soon(advertiser.put())]);
			await reports.flush(FLUSH_MS);
			for (const close of closers) close();
			reports.close();
			await soon(nats.flush());
			if (forGood) {
				const gone = withdraw(nats, agentId).catch((error) => log.warn({ err: error }, "the mesh keeps its advert"));
				await Promise.race([gone, delay(FLUSH_MS)]);
			}
		},
	};
	const joined = Promise.all([advertiser.put(), Promise.race([heard.promise, delay(UNHEARD_MS)])]);
	return { link, joined: joined.then(() => undefined) };
};
