/** The coordinator's process: connects the core to its wires, and leads. */

import "./heap.ts";
import { EventEmitter } from "node:events";
import { connect, type NatsConnection } from "nats";
import { type Logger, pino } from "pino";
import { clockFrom, monotonicClock } from "#shared/clock.ts";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { errorTable, RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { buckets } from "#shared/subjects.ts";
import { advertisedGrpc, advertisedUrl } from "./advertised.ts";
import { createCodeComparison } from "./code/compare.ts";
import { createCommands } from "./commands.ts";
import { defaultCoreOptions } from "./core/turn.ts";
import { coordinatorIdentity, lockCoordinator } from "./identity.ts";
import { openJournal } from "./journal/journal.ts";
import { acquireLeadership } from "./journal/leadership.ts";
import { refuseLostJournal } from "./journal/recovery.ts";
import { resume } from "./journal/resume.ts";
import { openSnapshots } from "./journal/snapshots.ts";
import { createSnapshotter } from "./journal/snapshotter.ts";
import { watchStorage } from "./journal/storage-watch.ts";
import { openTail } from "./journal/tail.ts";
import { trimJournal } from "./journal/trim.ts";
import { watchConnected } from "./link/connected.ts";
import { createEffects } from "./link/effects.ts";
import { createForgetter } from "./link/forget.ts";
import { consumeReports } from "./link/reports.ts";
import { createServingWriter } from "./link/serving-writer.ts";
import { ensureStreams } from "./link/streams.ts";
import { keepTicking } from "./link/ticks.ts";
import { type CoordinatorOptions, resolveCoordinatorOptions } from "./options.ts";
import { createReactor } from "./reactor.ts";
import { consumeHeartbeats, watchAdverts } from "./registry/agents.ts";
import { createReplica } from "./replica.ts";
import { startShells } from "./shells.ts";
import { createStandby } from "./standby.ts";

/** An append that is not answered is made again, and known by its id: short, for a server that was killed. */
const JETSTREAM_TIMEOUT_MS = 2_000;
/** A NATS server's own default. */
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;

const lead = async (options: CoordinatorOptions, connection: NatsConnection, log: Logger): Promise<never> => {
	const { home } = options;
	const credentials = requireCredentials(home);
	lockCoordinator(home);
	const coordinatorId = coordinatorIdentity(home);
	const manager = await connection.jetstreamManager();
	const client = connection.jetstream({ timeout: JETSTREAM_TIMEOUT_MS });
	const tail = await openTail(home.journalTail);
	await refuseLostJournal(manager, tail, home.coordinator);
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
	const tailStorage = watchStorage(
		() => true,
		() => undefined,
		log,
	);
	const isStuck = (): boolean => storage.isStuck() || tailStorage.isStuck();
	const snapshots = await openSnapshots(client, home.snapshot, log);
	const resumed = await resume(manager, snapshots);
	const { state } = resumed;
	const committed = new EventEmitter().setMaxListeners(0);
	const journal = openJournal({ manager, client, tail, maxMessageBytes, storage, tailStorage });
	const shells = await startShells(options, credentials, resumed, committed, log);
	const replica = createReplica({
		...{ manager, client, tail, journal, log, resumed, folder: home.coordinator },
		readSide: shells.readSide,
		projected: shells.store.sequence(),
	});
	await replica.start();

	const standby = createStandby(options, log);
	const acquiring = acquireLeadership(leaderBucket, coordinatorId, standby.heard, watchStream());
	const leadership = await Promise.race([acquiring, replica.failed]);
	await replica.takeOver();
	await standby.end();

	const failure = Promise.withResolvers<never>();
	// Whoever awaits it at the end hears of it; until then it is no unhandled one.
	failure.promise.catch(() => undefined);
	const snapshotter = createSnapshotter({
		...{ ...resumed, snapshots, takenAt: resumed.sequence, log },
		trim: async (bounds) => {
			const projected = shells.store.sequence();
			const first = await trimJournal(manager, client, options, { ...bounds, projected }, Date.now());
			if (first !== null) log.info({ first }, "the journal was trimmed");
		},
	});
	const clock = clockFrom(monotonicClock, state.lastEventAtMs);
	const compareCode = createCodeComparison({ blobs: shells.blobs, take: (input) => reactor.take(input), log });
	const reactor = createReactor(state, {
		journal,
		carryOut: createEffects(
			connection,
			createServingWriter(servingBucket, leadership.holds, log),
			compareCode,
			createForgetter(manager, agentsBucket, (id) => state.agents.get(id)?.online === true, log),
			log,
		),
		committed: (batches) => {
			snapshotter.committed(batches);
			shells.readSide.commit(batches);
		},
		refused: (input, error) => log.error({ err: error, input: input.kind }, "the core refused an input: a defect"),
		contained: (subject, error) => log.error({ err: error, subject }, "the core could not deal with it: a defect"),
		failed: failure.reject,
		clock,
		options: { ...defaultCoreOptions, leaseMs: options.leaseMs },
	});
	await reactor.take({ kind: "leadershipGained", coordinatorId, epoch: state.epoch + 1 });
	await watchAdverts(connection, agentsBucket, log, reactor.take);
	consumeHeartbeats(connection, log, reactor.take);
	consumeReports(manager, client, options, log, (report) => reactor.take({ kind: "reportReceived", report }));
	keepTicking(isConnected, monotonicClock, reactor.take);
	const commands = createCommands(state, reactor, clock, {
		...{ home, maxMessageBytes, isStuck },
		store: shells.store,
	});
	const { url, grpc } = await shells.open(commands, () => isConnected() && !isStuck());
	const { advertise } = options;
	leadership.announce({ url: advertisedUrl(advertise, url), grpc: advertisedGrpc(advertise, grpc) });
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
	for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop(0));
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
			// The third that is due without an answer ends a connection that only looks alive.
			pingInterval: 5_000,
			// Then it is dialled anew: what was dialled while the network was silent stays silent.
			timeout: 5_000,
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
