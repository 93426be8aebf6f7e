/** The Open Inference Protocol V2 over HTTP, with the binary tensor extension. Loaded when the first request comes. */

import type { RequestListener, Server } from "node:http";
import Fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { isAuthorized } from "#shared/credentials.ts";
import { errorTable, RunmeshError } from "#shared/errors.ts";
import { headerLengthName, splitMessage } from "#shared/inference/message.ts";
import packageJson from "../../../package.json" with { type: "json" };
import type { ServingLimits } from "../limits.ts";
import type { TensorSpec } from "../model.ts";
import type { Replica } from "../replica.ts";
import { readRequest } from "./request.ts";
import { writeResponse } from "./response.ts";

export interface ServedModel {
	model: string;
	version: number;
	replica: Replica;
}

export interface Models {
	/** The newest version where none is named. Throws RM_NOT_FOUND, or RM_UNAVAILABLE where it loads or has failed. */
	find(model: string, version: string | undefined): ServedModel;
	/** That serve now, newest first. */
	versions(model: string): number[];
	/** Whether nothing is still on its way for the first time. */
	ready(): boolean;
}

export interface V2Options {
	/** Listens already. */
	server: Server;
	token: string;
	models: Models;
	limits: ServingLimits;
	log: Logger;
}

interface ModelRoute {
	Params: { model: string; version?: string };
}

const HEALTH = /^\/v2\/health\/(live|ready)$/;

const toMetadata = ({ name, datatype, shape }: TensorSpec) => ({ name, datatype, shape: shape ?? [-1] });

const sendError = (reply: FastifyReply, status: number, message: string): FastifyReply =>
	reply.code(status).send({ error: message });

/** Aborts when the caller leaves before the answer. */
const whileCallerWaits = (reply: FastifyReply): AbortSignal => {
	const gone = new AbortController();
	reply.raw.once("close", () => {
		if (!reply.raw.writableFinished) gone.abort();
	});
	return gone.signal;
};

export const createV2App = async ({ server, token, models, limits, log }: V2Options): Promise<RequestListener> => {
	let listener: RequestListener = () => {};
	const app = Fastify({
		bodyLimit: limits.bodyBytes,
		serverFactory: (handler) => {
			listener = handler;
			return server;
		},
	});
	app.removeAllContentTypeParsers();
	app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

	app.addHook("onRequest", async (request, reply) => {
		const { authorization, "content-encoding": encoding } = request.headers;
		if (!HEALTH.test(request.url) && !isAuthorized(authorization, token)) {
			return sendError(reply, 401, "no valid token: send the header `authorization: Bearer <token>`");
		}
		if (encoding !== undefined && encoding !== "identity") {
			return sendError(reply, 415, `content-encoding ${encoding} is not taken here: send the body as it is`);
		}
	});
	app.setNotFoundHandler((request, reply) =>
		sendError(reply, 404, `there is no ${request.method} ${request.url} here`),
	);
	app.setErrorHandler((error: FastifyError | RunmeshError, request, reply) => {
		if (error instanceof RunmeshError) {
			const { retryAfterSeconds } = (error.details ?? {}) as { retryAfterSeconds?: number };
			if (retryAfterSeconds !== undefined) reply.header("retry-after", retryAfterSeconds);
			return sendError(
				reply,
				errorTable[error.code].http,
				error.hint ? `${error.message}: ${error.hint}` : error.message,
			);
		}
		const status = error.statusCode ?? 500;
		if (status === 413) return sendError(reply, 413, `the body is over the limit of ${limits.bodyBytes} bytes`);
		if (status >= 500) log.error({ error, url: request.url }, "an inference request failed");
		return sendError(reply, status, error.message);
	});

	app.get("/v2", async () => ({
		name: "runmesh",
		version: packageJson.version,
		extensions: ["binary_tensor_data"],
	}));
	app.get("/v2/health/live", async () => ({ live: true }));
	app.get("/v2/health/ready", async (_request, reply) => {
		const ready = models.ready();
		return reply.code(ready ? 200 : 503).send({ ready });
	});

	const metadata = async ({ params }: FastifyRequest<ModelRoute>) => {
		const { model, replica } = models.find(params.model, params.version);
		return {
			name: model,
			versions: models.versions(model).map(String),
			platform: "onnxruntime_onnx",
			inputs: replica.signature.inputs.map(toMetadata),
			outputs: replica.signature.outputs.map(toMetadata),
		};
	};
	const readiness = async ({ params }: FastifyRequest<ModelRoute>) => {
		const { model } = models.find(params.model, params.version);
		return { name: model, ready: true };
	};
	const infer = async (request: FastifyRequest<ModelRoute>, reply: FastifyReply) => {
		// From the look-up to the queue nothing is awaited: a version can't be unloaded in between.
		const served = models.find(request.params.model, request.params.version);
		const headerLength = request.headers[headerLengthName];
		const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
		const parts = splitMessage(body, headerLength?.toString(), limits.jsonBytes);
		const parsed = readRequest(parts, served.replica.signature);
		const wanted = parsed.outputs.map(({ name }) => name);
		const outputs = await served.replica.infer({
			inputs: parsed.inputs,
			outputs: wanted,
			signal: whileCallerWaits(reply),
		});
		const answer = writeResponse(served, parsed, outputs);
		if (answer.jsonLength === null) reply.type("application/json");
		else reply.type("application/octet-stream").header(headerLengthName, answer.jsonLength);
		return reply.send(answer.body);
	};
	for (const path of ["/v2/models/:model", "/v2/models/:model/versions/:version"]) {
		app.get<ModelRoute>(path, metadata);
		app.get<ModelRoute>(`${path}/ready`, readiness);
		app.post<ModelRoute>(`${path}/infer`, infer);
	}
	await app.ready();
	return listener;
};
