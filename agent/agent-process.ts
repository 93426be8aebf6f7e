/** The agent as a process: options, credentials, its log, signals, and what it tells the process that started it. */

import { resolve } from "node:path";
import pino, { type DestinationStream, type Logger } from "pino";
import { requireCredentials } from "#shared/credentials.ts";
import { errorTable, toRunmeshError } from "#shared/errors.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { openLogFile } from "./log-file.ts";
import { type AgentOptions, resolveOptions } from "./options.ts";
import { withPresentHost } from "./present-host.ts";

const EXIT_WITHIN_MS = 3_000;
/** For good there is more to say. */
const LEAVE_WITHIN_MS = 10_000;

export const runAgentProcess = async (argv: string[]): Promise<void> => {
	let options: AgentOptions;
	let note: string | null;
	try {
		({ options, note } = withPresentHost(resolveOptions(argv)));
	} catch (error) {
		return fail(error, logTo(stderr()));
	}
	const { logFile } = options;
	const log = logTo(logFile === null ? stderr() : openLogFile(resolve(logFile)));
	if (note !== null) log.warn(note);
	let agent: RunningAgent | null = null;
	let ending = false;

	/** Attempts are not this process's to end: they run on, and the next agent takes them up. */
	const end = async (why: string, forGood = false): Promise<void> => {
		if (ending) return;
		ending = true;
		log.info(forGood ? `leaving the mesh: ${why}` : `ending: ${why}`);
		setTimeout(() => process.exit(0), forGood ? LEAVE_WITHIN_MS : EXIT_WITHIN_MS);
		await agent?.close(forGood).catch((error) => log.warn({ err: error }, "not all was closed"));
		process.exit(0);
	};
	for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
		process.on(signal, () => {
			// Whoever asks twice does not want to wait.
			if (ending) process.exit(0);
			void end(signal);
		});
	}
	process.on("disconnect", () => void end("the process that started it is gone"));

	try {
		agent = await startAgent(options, requireCredentials(options.home), log);
		const { agentId, grpc, usurped, stayOver } = agent;
		usurped.catch((error) => fail(error, log, logFile));
		log.info({ agentId, grpc }, "ready");
		process.send?.({ ready: true, agentId, grpc });
		void stayOver.then((why) => {
			if (ending) return;
			// Heard before the end of this process: nobody is to start it again.
			process.send?.({ left: true });
			void end(why, true);
		});
	} catch (error) {
		fail(error, log, logFile);
	}
};

const logTo = (output: DestinationStream): Logger =>
	pino({ base: null, level: process.env.RUNMESH_LOG_LEVEL || "info" }, output);

const stderr = (): DestinationStream => {
	const output = pino.destination(2);
	// A full disk takes lines of the log, not the agent.
	output.on("error", () => undefined);
	return output;
};

const fail = (error: unknown, log: Logger, logFile: string | null = null): void => {
	const { code, message, hint, stack } = toRunmeshError(error);
	if (logFile !== null) console.error(`${message}; see ${logFile}`);
	// A person at a terminal reads no lines of JSON.
	const isSeen = logFile === null && process.stderr.isTTY && code !== "RM_INTERNAL";
	if (isSeen) process.stderr.write(`error: ${message}\n${hint === undefined ? "" : `hint: ${hint}\n`}`);
	else log.fatal({ code, hint, ...(code === "RM_INTERNAL" ? { stack } : {}) }, message);
	const exit = (): never => process.exit(errorTable[code].exit);
	if (process.send) process.send({ error: { code, message, hint: hint ?? null } }, exit);
	else exit();
};
