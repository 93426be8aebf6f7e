/** The agent as a process: options, credentials, its log, signals, and what it tells the process that started it. */

import pino, { type Logger } from "pino";
import { requireCredentials } from "#shared/credentials.ts";
import { errorTable, toRunmeshError } from "#shared/errors.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { resolveOptions } from "./options.ts";

const EXIT_WITHIN_MS = 3_000;

export const runAgentProcess = async (argv: string[]): Promise<void> => {
	const output = pino.destination(2);
	// A full disk takes lines of the log, not the agent.
	output.on("error", () => undefined);
	const log = pino({ base: null, level: process.env.RUNMESH_LOG_LEVEL || "info" }, output);
	let agent: RunningAgent | null = null;
	let ending = false;

	/** Attempts are not this process's to end: they run on, and the next agent takes them up. */
	const end = async (why: string): Promise<void> => {
		if (ending) return;
		ending = true;
		log.info(`ending: ${why}`);
		setTimeout(() => process.exit(0), EXIT_WITHIN_MS);
		await agent?.close().catch((error) => log.warn({ err: error }, "not all was closed"));
		process.exit(0);
	};
	process.on("SIGTERM", () => void end("SIGTERM"));
	process.on("SIGINT", () => void end("SIGINT"));
	process.on("disconnect", () => void end("the process that started it is gone"));

	try {
		const options = resolveOptions(argv);
		agent = await startAgent(options, requireCredentials(options.home), log);
		const { agentId, grpc, usurped } = agent;
		usurped.catch((error) => fail(error, log));
		log.info({ agentId, grpc }, "ready");
		process.send?.({ ready: true, agentId, grpc });
	} catch (error) {
		fail(error, log);
	}
};

const fail = (error: unknown, log: Logger): void => {
	const { code, message, hint, stack } = toRunmeshError(error);
	log.fatal({ code, hint, ...(code === "RM_INTERNAL" ? { stack } : {}) }, message);
	const exit = (): never => process.exit(errorTable[code].exit);
	if (process.send) process.send({ error: { code, message, hint: hint ?? null } }, exit);
	else exit();
};
