/**
 * A whole mesh for a test: real processes in a folder of their own, on free ports. After the test all of it is gone,
 * and the test fails when a process was left.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { type ApiClient, createApiClient } from "#cli/lib/client.ts";
import { choosePorts } from "#cli/up/free-ports.ts";
import type { MeshEvent, MeshOptions } from "#cli/up/options.ts";
import { type RunningMesh, startMesh } from "#cli/up/up.ts";
import type { EventView, RunDetail } from "#shared/api.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { type Finished, homeEnv, type Running, startCommand } from "./command-line.ts";
import { newFolder, removeFolder } from "./test-folder.ts";
import { type EventLog, eventLog } from "./up-events.ts";

/** A test's folder: the home of its mesh, its pipelines, and what its steps leave beside the mesh. */
export interface Place {
	readonly folder: string;
	readonly home: Home;
	/** Writes files below a folder of the place; returns the folder. */
	write(name: string, files: Record<string, string | Uint8Array>): string;
	/** Starts the command line on the place's home; it ends with the test. */
	start(...args: string[]): Running;
	/** Starts it and waits for its end. */
	run(...args: string[]): Promise<Finished>;
	/** Runs it with `-o json` and reads what it says. */
	json<T>(...args: string[]): Promise<T>;
}

/** `atEnd` says when its time is over: the present test's end, unless told. */
export const newPlace = (atEnd: (end: () => void | Promise<void>) => void = onTestFinished): Place => {
	const folder = newFolder();
	const home = resolveHome(join(folder, "home"));
	const running = new Set<Running>();
	atEnd(async () => {
		for (const command of running) command.kill();
		await Promise.all([...running].map(({ finished }) => finished));
		await removeFolder(folder);
	});
	const start = (...args: string[]): Running => {
		const command = startCommand(args, homeEnv(home.root));
		running.add(command);
		void command.finished.then(() => running.delete(command));
		return command;
	};
	const run = (...args: string[]): Promise<Finished> => start(...args).finished;
	return {
		folder,
		home,
		write: (name, files) => {
			for (const [path, content] of Object.entries(files)) {
				const target = join(folder, name, path);
				mkdirSync(dirname(target), { recursive: true });
				writeFileSync(target, content);
			}
			return join(folder, name);
		},
		start,
		run,
		json: async (...args) => {
			const { code, stdout, stderr } = await run(...args, "-o", "json");
			expect({ code, stderr }, args.join(" ")).toEqual({ code: 0, stderr: "" });
			return JSON.parse(stdout.toString("utf8"));
		},
	};
};

export interface RealMesh extends Place {
	readonly mesh: RunningMesh;
	readonly client: ApiClient;
	readonly events: EventLog<MeshEvent>;
	pid(process: string): number;
	/** SIGKILL; resolves when the supervisor has it ready again. */
	kill(process: string): Promise<void>;
}

const freePorts = { httpPort: 0, grpcPort: 0, natsPort: 0, agentGrpcPort: 0, servingPort: 0 };

export const startRealMesh = async (
	options: Partial<MeshOptions> = {},
	atEnd: (end: () => void | Promise<void>) => void = onTestFinished,
	/** Makes what the home stands on; returns what takes it away again. */
	prepare: (home: Home) => () => void = () => () => undefined,
): Promise<RealMesh> => {
	const place = newPlace(atEnd);
	atEnd(prepare(place.home));
	const events = eventLog<MeshEvent>();
	const env = homeEnv(place.home.root);
	const mesh = await startMesh({
		...freePorts,
		home: place.home,
		agentName: "lab",
		env,
		onEvent: events.onEvent,
		...options,
	});
	atEnd(() => mesh.stop());
	const pid = (name: string): number => {
		const found = mesh.processes()[name];
		if (found === undefined) throw new Error(`${name} does not run`);
		return found;
	};
	return {
		...place,
		mesh,
		client: createApiClient({ url: mesh.url, token: mesh.credentials.apiToken }),
		events,
		pid,
		kill: async (name) => {
			const back = events.next((event) => event.kind === "ready" && event.name === name && event.restarts > 0);
			process.kill(pid(name), "SIGKILL");
			await back;
		},
	};
};

/** Everything the journal has of a run that has ended, in order. */
export const journalOf = async (client: ApiClient, run: string): Promise<EventView[]> => {
	const events: EventView[] = [];
	for await (const event of client.events(run)) {
		events.push(event);
		if (event.kind === "runFinished") break;
	}
	return events;
};

/** Follows the run to its end. */
export const ended = async (client: ApiClient, run: string): Promise<RunDetail> => {
	await journalOf(client, run);
	return client.run(run);
};

/** `up` by the command line, each time on the same ports: whoever talked to the one before finds the next there. */
export const upAtOnePlace = async (place: Place) => {
	const { ports } = await choosePorts("127.0.0.1", { http: 0, grpc: 0, nats: 0, "agent-grpc": 0, serving: 0 });
	const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}-port`, String(port)]);
	const up = async (): Promise<Running> => {
		const command = place.start("up", "--name", "lab", ...flags);
		await command.printed(/The mesh is up/);
		return command;
	};
	return { up, ports };
};
