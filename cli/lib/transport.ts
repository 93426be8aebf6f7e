/**
 * One HTTP exchange with the coordinator, over node:http with connections kept alive: far quicker to load than
 * fetch. Whatever goes wrong comes out as a RunmeshError.
 */

import type { IncomingMessage, RequestOptions } from "node:http";
import * as http from "node:http";
import * as https from "node:https";
import { pipeline } from "node:stream/promises";
import { RunmeshError } from "#shared/errors.ts";
import { problemToError } from "./problem.ts";

export interface Connection {
	/** Without a slash at the end. */
	url: string;
	token: string | null;
	/** While nobody listens: somebody is there who starts the coordinator. */
	isStarting?: () => boolean;
}

export interface Exchange {
	method?: "GET" | "POST" | "PUT" | "DELETE";
	/** Begins with "/". */
	path: string;
	headers?: Record<string, string>;
	/** A function opens a stream, again for each try; its length goes in the headers. */
	body?: string | Uint8Array | (() => NodeJS.ReadableStream);
	signal?: AbortSignal;
	/** How long the connection may be silent; 0 is no limit. */
	silenceMs?: number;
}

export type Transport = (exchange: Exchange) => Promise<IncomingMessage>;

const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 60_000;
const MAX_ERROR_BODY = 1024 * 1024;

const agents = new Map<string, http.Agent>();

const agentFor = (protocol: string): http.Agent => {
	const known = agents.get(protocol);
	if (known) return known;
	const Agent = protocol === "https:" ? https.Agent : http.Agent;
	const agent = new Agent({ keepAlive: true, maxSockets: 16 });
	agents.set(protocol, agent);
	return agent;
};

const unreachable = (url: string, cause: NodeJS.ErrnoException): RunmeshError => {
	const refused = cause.code === "ECONNREFUSED";
	return new RunmeshError(
		"RM_UNAVAILABLE",
		refused ? `no coordinator answers at ${url}` : `the coordinator at ${url} can't be reached: ${cause.message}`,
		{
			hint: refused
				? "start a mesh with `runmesh up`, or name another with --url"
				: "check --url or RUNMESH_URL, and that the coordinator runs",
			cause,
		},
	);
};

/** Up to `limit` bytes of a body as text. */
export const readText = async (response: IncomingMessage, limit: number): Promise<string> => {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of response as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > limit) {
			response.destroy();
			throw new RunmeshError("RM_TOO_LARGE", `the coordinator's answer is larger than ${limit} bytes`);
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString("utf8");
};

const send = ({ url, token }: Connection, exchange: Exchange): Promise<IncomingMessage> =>
	new Promise((resolve, reject) => {
		const target = new URL(url + exchange.path);
		const options: RequestOptions = {
			method: exchange.method ?? "GET",
			agent: agentFor(target.protocol),
			headers: {
				accept: "application/json",
				...(token === null ? {} : { authorization: `Bearer ${token}` }),
				...exchange.headers,
			},
			...(exchange.signal ? { signal: exchange.signal } : {}),
		};
		const request = (target.protocol === "https:" ? https : http).request(target, options, (response) => {
			// Answered before all of the body was sent: the rest interests nobody, and its connection would keep us.
			response.once("end", () => {
				if (!request.writableFinished) request.destroy();
			});
			resolve(response);
		});
		const connecting = setTimeout(
			() => request.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1000} s`)),
			CONNECT_TIMEOUT_MS,
		);
		const connected = (): void => clearTimeout(connecting);
		request.on("socket", (socket) => {
			if (socket.connecting) socket.once("connect", connected);
			else connected();
		});
		request.once("close", connected);
		request.on("error", (error: NodeJS.ErrnoException) => {
			// A kept connection that the other side had closed meanwhile: nothing was lost, a new one will do.
			if (request.reusedSocket && error.code === "ECONNRESET") resolve(send({ url, token }, exchange));
			else reject(error);
		});
		const silence = exchange.silenceMs ?? SILENCE_TIMEOUT_MS;
		request.setTimeout(silence, () => request.destroy(new Error(`no answer for ${silence / 1000} s`)));
		const { body } = exchange;
		if (typeof body === "function") pipeline(body(), request).catch((error) => request.destroy(error));
		else request.end(body);
	});

export const createTransport =
	(connection: Connection): Transport =>
	async (exchange) => {
		let response: IncomingMessage;
		try {
			response = await send(connection, exchange);
		} catch (error) {
			if (exchange.signal?.aborted || error instanceof RunmeshError) throw error;
			throw unreachable(connection.url, error as NodeJS.ErrnoException);
		}
		const status = response.statusCode ?? 0;
		if (status >= 200 && status < 300) return response;
		const text = await readText(response, MAX_ERROR_BODY).catch(() => "");
		throw problemToError(status, text, connection.url);
	};

/** A body that broke off is as good as an unreachable coordinator: the same call may succeed later. */
export const brokenOff = (what: string, cause: unknown): RunmeshError =>
	cause instanceof RunmeshError
		? cause
		: new RunmeshError("RM_UNAVAILABLE", `the connection broke while reading ${what}`, {
				hint: "try again",
				cause,
			});
