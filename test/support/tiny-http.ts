/** A small HTTP server whose answers a test writes itself; it can go away and come back on its port. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface TinyHttp extends AsyncDisposable {
	url: string;
	/** Cuts every connection and refuses new ones. */
	stop(): Promise<void>;
	/** Listens again, where it did before. */
	start(): Promise<void>;
}

export const startTinyHttp = async (handler: Handler): Promise<TinyHttp> => {
	let server: Server;
	let port = 0;
	const start = async (): Promise<void> => {
		server = createServer((request, response) => {
			Promise.resolve(handler(request, response)).catch((error) => response.destroy(error));
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", reject).listen(port, "127.0.0.1", resolve);
		});
		port = (server.address() as AddressInfo).port;
	};
	const stop = (): Promise<void> =>
		new Promise((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
	await start();
	return { url: `http://127.0.0.1:${port}`, start, stop, [Symbol.asyncDispose]: stop };
};

export const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
	response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
};

export const readBody = async (request: IncomingMessage): Promise<Buffer> => {
	const chunks: Buffer[] = [];
	for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
	return Buffer.concat(chunks);
};
