/** Every error of the API as application/problem+json, from the one error table; what went wrong inside stays inside. */

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ProblemView } from "#shared/api.ts";
import { errorTable, RunmeshError, toRunmeshError } from "#shared/errors.ts";
import type { PipelineProblem } from "#shared/pipeline/definition.ts";

export const PROBLEM_TYPE = "application/problem+json";

export const problemOf = (error: RunmeshError): ProblemView => {
	const { http: status, meaning } = errorTable[error.code];
	return {
		type: "about:blank",
		title: meaning,
		status,
		code: error.code,
		detail: error.message,
		...(error.hint === undefined ? {} : { hint: error.hint }),
		...(error.code === "RM_PIPELINE_INVALID" && Array.isArray(error.details)
			? { problems: error.details as PipelineProblem[] }
			: {}),
	};
};

/** fastify's error handler. */
export const sendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
	const known = fromFramework(error, request) ?? toRunmeshError(error);
	const problem = problemOf(known.code === "RM_INTERNAL" ? concealed(known, request) : known);
	if (problem.status === 503) reply.header("retry-after", "1");
	return reply.code(problem.status).type(PROBLEM_TYPE).send(problem);
};

/** Its message may name paths and values that are nobody's business; the log has them. */
const concealed = (error: RunmeshError, request: FastifyRequest): RunmeshError => {
	// Whoever hung up in the middle has not met a defect.
	if (!request.raw.socket.destroyed)
		request.log.error({ err: error.cause ?? error, method: request.method }, "a call failed");
	return new RunmeshError("RM_INTERNAL", `the call failed inside the coordinator (${request.id})`, {
		hint: `look for reqId ${request.id} in the coordinator's log`,
	});
};

/** fastify's own refusals of a request; null for any other error. */
const fromFramework = (error: unknown, request: FastifyRequest): RunmeshError | null => {
	const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message: string };
	if (typeof code !== "string" || !code.startsWith("FST_")) return null;
	if (statusCode === 413) {
		const limit = request.routeOptions.bodyLimit / 1024;
		const words = limit < 1024 ? `${limit} KiB` : `${limit / 1024} MiB`;
		return new RunmeshError("RM_TOO_LARGE", `the request body is larger than ${words}`);
	}
	if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
		return new RunmeshError("RM_BAD_INPUT", message);
	}
	return statusCode === 503 ? new RunmeshError("RM_UNAVAILABLE", "the coordinator is stopping") : null;
};

/** Bytes that are no HTTP, before there is any request to answer. */
export const answerMalformed = (error: Error & { code?: string }, socket: Socket): void => {
	if (error.code === "ECONNRESET" || !socket.writable) {
		socket.destroy();
		return;
	}
	const problem = problemOf(new RunmeshError("RM_BAD_INPUT", "the request is not valid HTTP"));
	const body = JSON.stringify(problem);
	socket.end(
		`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: ${PROBLEM_TYPE}\r\n` +
			`content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
	);
};
