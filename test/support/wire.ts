/** A wire that a test can cut: TCP connections to `target` go through it, are broken, swallowed, and let through again. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { AtEnd } from "./loose-mesh.ts";

export interface Wire {
	/** host:port */
	readonly address: string;
	/** Breaks every connection and refuses new ones: both sides hear of it at once. */
	cut(): void;
	/** Swallows all that is sent, on old connections and on new ones, which are accepted: nobody hears of it. */
	swallow(): void;
	/** New connections pass. Those that were swallowed stay as they are, half open: only who asks finds out. */
	heal(): void;
}

type Mode = "open" | "cut" | "swallowing";

export const startWire = async (target: string, atEnd: AtEnd): Promise<Wire> => {
	const [host = "", port = ""] = target.split(":");
	/** Both ends of every connection that passes. */
	const passing = new Set<[Socket, Socket]>();
	const all = new Set<Socket>();
	let mode: Mode = "open";

	const keep = (socket: Socket): Socket => {
		all.add(socket);
		return socket.on("close", () => all.delete(socket)).on("error", () => socket.destroy());
	};
	const server = createServer((near) => {
		keep(near);
		if (mode === "cut") return void near.destroy();
		if (mode === "swallowing") return void near.resume();
		const far = keep(connect(Number(port), host));
		const pair: [Socket, Socket] = [near, far];
		passing.add(pair);
		for (const [from, to] of [pair, [far, near] as const]) {
			from.on("data", (bytes) => {
				if (passing.has(pair)) to.write(bytes);
			});
			from.on("close", () => {
				if (passing.delete(pair)) to.destroy();
			});
		}
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const cut = (): void => {
		mode = "cut";
		passing.clear();
		for (const socket of all) socket.destroy();
	};
	atEnd(() => {
		cut();
		server.close();
	});
	return {
		address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
		cut,
		swallow: () => {
			mode = "swallowing";
			passing.clear();
		},
		heal: () => {
			mode = "open";
		},
	};
};
