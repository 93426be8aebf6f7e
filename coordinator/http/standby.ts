/** What a coordinator that stands by answers on its HTTP port: who leads. */

import { once } from "node:events";
import { createServer } from "node:http";
import { RunmeshError } from "#shared/errors.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

export interface StandbyHttp {
	close(): Promise<void>;
}

/** `leader` is its URL, "" while nobody is known to lead. Where the port is taken, nothing is answered. */
export const startStandbyHttp = async (host: string, port: number, leader: () => string): Promise<StandbyHttp> => {
	const server = createServer((request, response) => {
		if (request.url === "/healthz") {
			response.writeHead(200, { "content-type": "application/json" }).end('{"status":"standing by"}');
			return;
		}
		const url = leader();
		const problem = problemOf(
			new RunmeshError("RM_UNAVAILABLE", "this coordinator stands by", {
				hint: url === "" ? "nobody leads just now: the same call may be made again" : `${url} leads`,
			}),
		);
		response
			.writeHead(problem.status, { "content-type": PROBLEM_TYPE, "retry-after": "1", connection: "close" })
			.end(JSON.stringify(problem));
	});
	server.listen(port, host);
	const isOpen = await once(server, "listening").then(
		() => true,
		() => false,
	);
	return {
		close: async () => {
			if (!isOpen) return;
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
};
