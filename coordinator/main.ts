/** The coordinator's process: connects the core to its wires, and leads. */

import "./heap.ts";
import { EventEmitter } from "node:events";
import { connect, type NatsConnection } from "nats";
import { type Logger, pino } from "pino";
import { monotonicClock } from "#shared/clock.ts";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { errorTable, RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { buckets } from "#shared/subjects.ts";
import { createCommands } from "./commands.ts";
import { apply } from "./core/apply.ts";
import { newMeshState } from "./core/state.ts";
import { defaultCoreOptions } from "./core/turn.ts";
import { coordinatorIdentity, lockCoordinator } from "./identity.ts";
import { openJournal } from "./journal/journal.ts";
import { acquireLeadership, type LeaderRecord } from "./journal/leadership.ts";
import { watchStorage } from "./journal/storage-watch.ts";
import { watchConnected } from "./link/connected.ts";
import { createEffects } from "./link/effects.ts";
import { consumeReports } from "./link/reports.ts";
import { ensureStreams } from "./link/streams.ts";
import { type CoordinatorOptions, resolveCoordinatorOptions } from "./options.ts";
import { createReactor } from "./reactor.ts";
import { consumeHeartbeats, watchAdverts } from "./registry/agents.ts";
import { startShells } from "./shells.ts";

const TICK_MS = 500;
/** An append that is not answered is made again, and known by its id: short, for a server that was killed. */
const JETSTREAM_TIMEOUT_MS = 2_000;
/** A NATS server's own default. */
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;

const lead = async (options: CoordinatorOptions, connection: NatsConnection, log: Logger): Promise<never> => {
	const credentials = requireCredentials(options.home);
	lockCoordinator(options.home);
	const coordinatorId = coordinatorIdentity(options.home);
	const manager = await connection.jetstreamManager();
	const client = connection.jetstream({ timeout: JETSTREAM_TIMEOUT_MS });
	await ensureStreams(manager, options);
	const bucket = (name: string) => client.views.kv(name, { replicas: options.replicas, history: 1 });
	const [leaderBucket, agentsBucket, servingBucket] = await Promise.all([
		bucket(buckets.leader),
		bucket(buckets.agents),
		bucket(buckets.serving),
	]);

	const isConnected = watchConnected(connection);
	const maxMessageBytes = (): number => connection.info?.max_payload ?? DEFAULT_MESSAGE_BYTES;
	// One for each stream: NATS refuses writes to those that met the full disk.
	const watchStream = () => watchStorage(isConnected, (stuck) => process.send?.({ stuck }), log);
	const storage = watchStream();
	const onStandby = ({ url, grpc, coordinatorId: leader }: LeaderRecord): void => {
		log.info({ leader, url }, "another coordinator leads; standing by");
		process.send?.({ ready: true, url, grpc });
	};
	const leadership = await acquireLeadership(leaderBucket, coordinatorId, onStandby, watchStream());
	const state = newMeshState();
	const committed = new EventEmitter().setMaxListeners(0);
	const journal = openJournal(manager, client, maxMessageBytes, storage);
	const shells = await startShells(options, credentials, state, committed, log);
	await journal.replay(1, (batch) => {
		for (const event of batch.events) apply(state, event);
		shells.readSide.replay(batch);
	});
	shells.readSide.flush();
	if (shells.store.sequence() > journal.lastSequence()) {
		throw new RunmeshError(
			"RM_JOURNAL_INVALID",
			`RM_JOURNAL ends at ${journal.lastSequence()}, this home has seen it at ${shells.store.sequence()}: the journal has lost events, or is another mesh's`,
			{ hint: `restore NATS's data, or move ${options.home.coordinator} away to go on with what the journal has` },
		);
	}

	const failure = Promise.withResolvers<never>();
	// Whoever awaits it at the end hears of it; until then it is no unhandled one.
	failure.promise.catch(() => undefined);
	const reactor = createReactor(state, {
		journal,
		carryOut: createEffects(connection, servingBucket, log),
		committed: (batches) => {
			shells.readSide.commit(batches);
			committed.emit("committed", journal.lastSequence());
		},
		refused: (input, error) => log.error({ err: error, input: input.kind }, "the core refused an input: a defect"),
		failed: failure.reject,
		clock: monotonicClock,
		options: { ...defaultCoreOptions, leaseMs: options.leaseMs },
	});
	await reactor.take({ kind: "leadershipGained", coordinatorId, epoch: state.epoch + 1 });
	await watchAdverts(connection, agentsBucket, log, reactor.take);
	consumeHeartbeats(connection, log, reactor.take);
	consumeReports(manager, client, options, log, (report) => reactor.take({ kind: "reportReceived", report }));
	setInterval(() => reactor.take({ kind: "tick" }).catch(() => {}), TICK_MS);
	const commands = createCommands(state, reactor, monotonicClock, {
		home: options.home,
		maxMessageBytes,
		isStuck: storage.isStuck,
	});
	const { url, grpc } = await shells.open(commands, () => isConnected() && !storage.isStuck());
	leadership.announce({ url, grpc });
	process.send?.({ ready: true, url, grpc });
	log.info({ coordinatorId, epoch: state.epoch, url, grpc, runs: state.runs.size }, "leading");
	leadership.lost.catch((error) =>
		failure.reject(new RunmeshError("RM_NOT_LEADER", "another coordinator took the lead", { cause: error })),
	);
	return failure.promise;
};

const main = async (): Promise<void> => {
	const output = pino.destination(2);
	// A full disk takes lines of the log, not the coordinator.
	output.on("error", () => undefined);
	const log = pino({ name: "coordinator", level: process.env.RUNMESH_LOG_LEVEL ?? "info" }, output);
	const stop = (code: number): never => process.exit(code);
	process.on("SIGTERM", () => stop(0));
	process.on("SIGINT", () => stop(0));
	// Its supervisor died: leave, so that the next one finds the ports free.
	process.on("disconnect", () => stop(0));
	try {
		const options = resolveCoordinatorOptions(process.argv.slice(2), process.env);
		const connection = await connect({
			servers: options.nats.split(","),
			...natsAuth(requireCredentials(options.home)),
			name: "runmesh-coordinator",
			maxReconnectAttempts: -1,
			reconnectTimeWait: 250,
			waitOnFirstConnect: true,
			ignoreClusterUpdates: false,
			// Two stack traces for every publish, for the rare one that fails.
			noAsyncTraces: true,
		});
		await lead(options, connection, log);
	} catch (error) {
		const { code, message, hint } = toRunmeshError(error);
		log.fatal({ err: error, code, hint }, message);
		const exit = (): never => stop(errorTable[code].exit);
		if (process.send) process.send({ error: { code, message, hint: hint ?? null } }, exit);
		else exit();
	}
};

void main();
