/** Logs of a step or of a whole run, as newline-delimited JSON. */

import { z } from "zod";
import type { LogRecord } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { LogScope } from "../store/log-attempts.ts";
import type { HttpDeps } from "./deps.ts";
import { sendLive } from "./live-stream.ts";
import { followLogs, type WriteRecords } from "./log-follow.ts";
import { mergeHistory, newLogReader } from "./log-history.ts";
import { type Api, countSchema, flagSchema, runRefSchema, stepKeySchema } from "./validation.ts";

const paramsSchema = z.strictObject({
	run: runRefSchema,
	step: stepKeySchema("\\*|"),
});

const querySchema = z.strictObject({
	follow: flagSchema.default(false),
	attempt: countSchema(1, 1_000_000).optional(),
	since: countSchema(0, Number.MAX_SAFE_INTEGER).default(0),
});

export const logRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, logs } = deps;
	app.get(
		"/runs/:run/steps/:step/logs",
		{
			schema: { params: paramsSchema, querystring: querySchema },
			config: { summary: "Logs as NDJSON; follow=true goes on until the run, or the step, is over" },
		},
		async ({ params, query }, reply) => {
			const run = store.resolveRun(params.run);
			const scope: LogScope = {
				run,
				step: params.step === "*" ? null : params.step,
				attempt: query.attempt ?? null,
			};
			if (scope.step !== null && !store.logs.hasStep(run, scope.step)) {
				throw new RunmeshError("RM_NOT_FOUND", `run ${run} has no step "${scope.step}"`, {
					hint: "see `runmesh runs show`; a matrix's cells are step.0, step.1, …",
				});
			}
			// One that is still to come may be followed.
			const mayCome = query.follow && !store.logs.over(scope);
			if (
				scope.step !== null &&
				scope.attempt !== null &&
				!mayCome &&
				!store.logs.hadAttempt(run, scope.step, scope.attempt)
			) {
				throw new RunmeshError("RM_NOT_FOUND", `step ${scope.step} of run ${run} has had no attempt ${scope.attempt}`, {
					hint: `see \`runmesh explain ${run} ${scope.step}\``,
				});
			}
			return sendLive(reply, { type: "application/x-ndjson", idle: "\n" }, async (write, signal) => {
				const writeRecords: WriteRecords = (records) =>
					write(
						records
							.filter(({ atMs }) => atMs >= query.since)
							.map(lineOf)
							.join(""),
					);
				const readers = store.logs.attempts(scope, 0).map(newLogReader);
				for await (const records of mergeHistory(logs, readers, signal)) await writeRecords(records);
				// What is over is shown whole: its last bytes may still be on their way.
				const toItsEnd = query.follow || store.logs.over(scope);
				if (toItsEnd) await followLogs(deps, scope, readers, writeRecords, signal);
				else for (const { records } of readers) await writeRecords(records.flush());
			});
		},
	);
};

const lineOf = (record: LogRecord): string => `${JSON.stringify(record)}\n`;
