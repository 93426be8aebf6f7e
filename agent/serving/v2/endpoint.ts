/** The port that models are served on. It listens from the start; the web framework comes with the first use, for its memory. */

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { toRunmeshError } from "#shared/errors.ts";
import { hostPort } from "#shared/wire/grpc.ts";
import type { V2Options } from "./app.ts";

export interface Endpoint {
	/** http://host:port, as others reach it. */
	url: string;
	/** Gets ready for requests, so that the first one does not wait. */
	prepare(): void;
	/** Answers what is under way, for a few seconds at most. */
	close(): Promise<void>;
}

export interface EndpointOptions extends Omit<V2Options, "server"> {
	/** Listened on. */
	host: string;
	/** What others dial. */
	advertise: string;
	port: number;
}

/** Longer than clients and proxies keep an idle connection, so that none is closed under a request. */
const KEEP_ALIVE_MS = 75_000;
const CLOSE_WITHIN_MS = 5_000;

export const openEndpoint = async ({ host, advertise, port, ...options }: EndpointOptions): Promise<Endpoint> => {
	const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
	let loading: Promise<RequestListener> | null = null;
	const load = (): Promise<RequestListener> => {
		loading ??= import("./app.ts").then(({ createV2App }) => createV2App({ server, ...options }));
		return loading;
	};
	let listener: RequestListener = (request, response) => {
		load().then(
			(loaded) => {
				listener = loaded;
				loaded(request, response);
			},
			(error: unknown) => {
				loading = null;
				options.log.error({ error }, "the inference endpoint could not be made ready");
				response.writeHead(500).end();
			},
		);
	};
	server.on("request", (request, response) => listener(request, response));
	await new Promise<void>((resolve, reject) => {
		server.once("error", (error) => reject(toRunmeshError(Object.assign(error, { port }))));
		server.listen({ host, port }, resolve);
	});
	const { port: bound } = server.address() as AddressInfo;
	return {
		url: `http://${hostPort(advertise, bound)}`,
		prepare: () => {
			load().catch(() => {
				loading = null;
			});
		},
		close: async () => {
			const closed = new Promise<void>((resolve) => server.close(() => resolve()));
			server.closeIdleConnections();
			const patience = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
			await closed;
			clearTimeout(patience);
		},
	};
};
