/** Ports: which are free, before any process is started that would need them. */

import { createServer, type Server } from "node:net";

const listen = (host: string, port: number): Promise<Server> =>
	new Promise((resolve, reject) => {
		const server = createServer();
		server.once("error", reject);
		server.listen({ host, port, exclusive: true }, () => resolve(server));
	});

const portOf = (server: Server): number => {
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("a server without a port");
	return address.port;
};

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export interface ChosenPorts<Name extends string> {
	/** Each asked port, with 0 replaced by a free one. */
	ports: Record<Name, number>;
	/** Those that another program listens on, or that may not be used. */
	taken: { name: Name; port: number; reason: string }[];
}

/** All are held at once while choosing, so that no two are the same. */
export const choosePorts = async <Name extends string>(
	host: string,
	wanted: Record<Name, number>,
): Promise<ChosenPorts<Name>> => {
	const held: Server[] = [];
	const chosen: ChosenPorts<Name> = { ports: { ...wanted }, taken: [] };
	try {
		// Fixed ports first: a free one chosen for 0 must not be one of them.
		const names = (Object.keys(wanted) as Name[]).sort((a, b) => wanted[b] - wanted[a]);
		for (const name of names) {
			try {
				const server = await listen(host, wanted[name]);
				held.push(server);
				chosen.ports[name] = portOf(server);
			} catch (error) {
				const code = (error as NodeJS.ErrnoException).code ?? "";
				chosen.taken.push({ name, port: wanted[name], reason: code === "EADDRINUSE" ? "in use" : code });
			}
		}
	} finally {
		await Promise.all(held.map(close));
	}
	return chosen;
};
