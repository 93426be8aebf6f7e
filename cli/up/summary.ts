/** What `up` says: the running mesh, for people and for programs, and what happens to its processes later. */

import { relative } from "node:path";
import { resolveHome } from "#shared/home.ts";
import { reachableHost } from "#shared/reachable-host.ts";
import type { MeshEvent } from "./options.ts";
import type { RunningMesh } from "./up.ts";

export interface MeshSummary {
	pid: number;
	url: string;
	grpc: string;
	nats: string;
	home: string;
	agents: { name: string; id: string; grpc: string }[];
	processes: Record<string, number>;
	/** From the start of `up` until all parts were ready. */
	readyMs: number;
}

export const summarize = (mesh: RunningMesh, readyMs: number): MeshSummary => ({
	pid: process.pid,
	url: mesh.url,
	grpc: mesh.grpc,
	nats: mesh.nats,
	home: mesh.home.root,
	agents: mesh.agents,
	processes: mesh.processes(),
	readyMs: Math.round(readyMs),
});

/** A home that is not the usual one has to be named again. */
const command = (home: string, verb: string): string =>
	home === resolveHome().root ? `runmesh ${verb}` : `runmesh ${verb} --home ${home}`;

type Row = [string, string];

const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[|\]$/g, "");

const isOwnAlone = (url: string): boolean => /^(localhost|127\..*|::1)$/.test(hostOf(url));

/** Listening everywhere is no address to give to anybody. */
const dialable = (url: string): string => {
	const host = hostOf(url);
	const other = reachableHost(host);
	return other === host ? url : `http://${other}:${new URL(url).port}`;
};

export const describeMesh = (summary: MeshSummary, detached: boolean): string => {
	const agents = summary.agents.map(({ name }) => name).join(", ") || "none here; others may join";
	const rows: Row[] = [
		["url", dialable(summary.url)],
		["home", summary.home],
		["agents", agents],
		["try", command(summary.home, "run examples/digits/pipeline.yaml")],
		...(isOwnAlone(summary.url)
			? []
			: [["add", `${command(summary.home, "token create")}  # the line for another machine`] as Row]),
		["stop", detached ? command(summary.home, "down") : "Ctrl-C"],
	];
	const lines = rows.map(([name, value]) => `  ${name.padEnd(7)} ${value}`);
	return [`The mesh is up (${(summary.readyMs / 1000).toFixed(1)} s).`, "", ...lines, ""].join("\n");
};

const SHOWN_TAIL_LINES = 3;

/** null for what is no news to a person. */
export const describeEvent = (event: MeshEvent): string | null => {
	switch (event.kind) {
		case "fetching":
			return `fetching ${event.what} …`;
		case "restarting":
			return `starting ${event.name} again: ${event.why}`;
		case "diskFull":
			return `no space left on the disk that holds ${event.path}: the mesh waits until there is some`;
		case "ended":
			return `ended ${event.what}`;
		case "died": {
			const again = event.deaths > 1 ? ` again (death ${event.deaths})` : "";
			const tail = event.tail.slice(-SHOWN_TAIL_LINES).map((line) => `\n    ${line}`);
			const log = relative(process.cwd(), event.logPath);
			return `${event.name} died${again} (${event.how}), starting it again in ${event.restartInMs} ms; see ${log}${tail.join("")}`;
		}
		case "ready":
			return event.restarts > 0 ? `${event.name} is back (process ${event.pid})` : null;
		case "left":
			return `${event.name} has left the mesh for good: it is not started again`;
		case "started":
			return null;
	}
};
