/** All routes behind one authorization hook, one error shape and one set of limits. */

import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { isAuthorized } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import { agentRoutes } from "./agents.ts";
import { artifactRoutes } from "./artifacts.ts";
import { blobRoutes, blobUploadRoutes } from "./blobs.ts";
import type { HttpDeps } from "./deps.ts";
import { eventRoutes } from "./events.ts";
import { healthRoutes } from "./health.ts";
import { joinRoutes, joinTokenRoutes } from "./join.ts";
import { logRoutes } from "./logs.ts";
import { describeRoutes } from "./openapi.ts";
import { answerMalformed, sendProblem } from "./problem.ts";
import { runActionRoutes } from "./run-actions.ts";
import { runRoutes } from "./runs.ts";
import { servingRoutes } from "./serving.ts";
import { validatorCompiler, type ZodTypes } from "./validation.ts";

const BODY_MAX_BYTES = 1024 * 1024;
/** A connection on which nothing moves is cut; what lasts longer sends something every HEARTBEAT_MS. */
const SILENCE_MAX_MS = 60_000;

export const createApp = (deps: HttpDeps): FastifyInstance => {
	const app = fastify({
		loggerInstance: deps.log as FastifyBaseLogger,
		logController: new LogController({ disableRequestLogging: true }),
		bodyLimit: BODY_MAX_BYTES,
		connectionTimeout: SILENCE_MAX_MS,
		// No limit on the whole: a blob may take hours.
		requestTimeout: 0,
		forceCloseConnections: true,
		exposeHeadRoutes: false,
		routerOptions: { maxParamLength: 200 },
		frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
		clientErrorHandler: answerMalformed,
	});
	app.setValidatorCompiler(validatorCompiler);
	app.setErrorHandler(sendProblem);
	app.setNotFoundHandler((request, reply) => {
		const path = request.url.split("?", 1)[0];
		const error = new RunmeshError("RM_NOT_FOUND", `the API has no ${request.method} ${path}`);
		return sendProblem(error, request, reply);
	});
	app.addHook("onRequest", async (request, reply) => {
		reply.header("x-content-type-options", "nosniff");
		// Closed unless a route says otherwise.
		if (request.is404 || request.routeOptions.config.open) return;
		if (isAuthorized(request.headers.authorization, deps.credentials.apiToken)) return;
		reply.header("www-authenticate", "Bearer");
		throw new RunmeshError("RM_UNAUTHENTICATED", "the call needs `authorization: Bearer <token>` with a valid token");
	});

	const describe = describeRoutes(app);
	const typed = app.withTypeProvider<ZodTypes>();
	typed.register(async (root) => healthRoutes(root, deps));
	typed.register(
		async (api) => {
			runRoutes(api, deps);
			runActionRoutes(api, deps);
			logRoutes(api, deps);
			eventRoutes(api, deps);
			artifactRoutes(api, deps);
			blobRoutes(api, deps);
			agentRoutes(api, deps);
			joinTokenRoutes(api, deps);
			joinRoutes(api, deps);
			servingRoutes(api, deps);
			api.get("/openapi.json", { config: { summary: "This description" } }, async () => describe());
			api.register(async (uploads) => blobUploadRoutes(uploads, deps));
		},
		{ prefix: "/api/v1" },
	);
	return app;
};
