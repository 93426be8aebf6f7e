/** Checks of the mesh of this home: its processes, its ports, its coordinator. */

import { connect } from "node:net";
import type { Home } from "#shared/home.ts";
import { readJoined } from "#shared/joined.ts";
import { type Mesh, readMesh } from "#shared/mesh.ts";
import { processStart } from "#shared/process.ts";
import { choosePorts } from "../up/free-ports.ts";
import { embeddedNats } from "../up/leftovers.ts";
import { homeOwner } from "../up/lock.ts";
import { defaultMeshOptions } from "../up/options.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const ANSWER_MS = 3_000;

/** null when none runs; mesh.json alone is no proof, a killed `up` leaves it. */
export const runningMesh = (home: Home): Mesh | null => {
	const owner = homeOwner(home);
	const mesh = readMesh(home);
	return owner !== null && mesh?.pid === owner.pid ? mesh : null;
};

export const checkProcesses = (home: Home, mesh: Mesh | null): Check => {
	const name = "mesh";
	if (!mesh) {
		const owner = homeOwner(home);
		if (owner) return warn(name, `starting or stopping (process ${owner.pid})`, "wait a moment and look again");
		const left = embeddedNats(home);
		if (left) return warn(name, `a killed \`up\` left nats-server (process ${left.pid})`, "`runmesh down` ends it");
		const joined = readJoined(home);
		if (joined) return ok(name, `this home is an agent's of the one at ${joined.url}`);
		return ok(name, "none runs on this home; start one with `runmesh up`");
	}
	const processes = Object.entries(mesh.processes);
	const dead = processes.filter(([, pid]) => processStart(pid) === null).map(([process]) => process);
	const found = `up at ${mesh.url} (process ${mesh.pid}): ${processes.map(([process]) => process).join(", ")}`;
	if (dead.length === 0) return ok(name, found);
	return warn(name, `not running now: ${dead.join(", ")}`, `it is being restarted; the reason is in ${home.logs}`);
};

export const checkPorts = async (mesh: Mesh | null): Promise<Check> => (mesh ? checkOurPorts(mesh) : checkFreePorts());

const checkOurPorts = async (mesh: Mesh): Promise<Check> => {
	const wires = [
		{ name: "HTTP", at: new URL(mesh.url) },
		{ name: "gRPC", at: new URL(`tcp://${mesh.grpc}`) },
		{ name: "NATS", at: new URL(mesh.nats) },
	];
	const answers = await Promise.all(wires.map(({ at }) => accepts(at.hostname, Number(at.port))));
	const silent = wires.filter((_, index) => !answers[index]).map(({ name, at }) => `${name} ${at.host}`);
	if (silent.length === 0) return ok("ports", wires.map(({ name, at }) => `${name} ${at.host}`).join(", "));
	return fail("ports", `nobody answers on ${silent.join(", ")}`, "see the logs folder of the home for the reason");
};

const accepts = (host: string, port: number): Promise<boolean> =>
	new Promise((resolve) => {
		const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port, timeout: ANSWER_MS });
		const done = (answer: boolean): void => {
			socket.destroy();
			resolve(answer);
		};
		socket.once("connect", () => done(true));
		socket.once("timeout", () => done(false));
		socket.once("error", () => done(false));
	});

const checkFreePorts = async (): Promise<Check> => {
	const { host, httpPort, grpcPort, natsPort, agentGrpcPort, servingPort } = defaultMeshOptions();
	const wanted = {
		"--http-port": httpPort,
		"--grpc-port": grpcPort,
		"--nats-port": natsPort,
		"--agent-grpc-port": agentGrpcPort,
		"--serving-port": servingPort,
	};
	const { taken } = await choosePorts(host, wanted);
	if (taken.length === 0) return ok("ports", `free: ${Object.values(wanted).join(", ")}`);
	return warn(
		"ports",
		taken.map(({ port, reason }) => `${port} is ${reason}`).join(", "),
		`runmesh up ${taken.map(({ name }) => `${name} 0`).join(" ")}`,
	);
};

/** Asked only where there should be one: of the running mesh, or at an address the user gave. */
export const checkCoordinator = async (url: string): Promise<Check> => {
	const name = "coordinator";
	for (const path of ["/healthz", "/readyz"]) {
		try {
			const response = await fetch(url + path, { signal: AbortSignal.timeout(ANSWER_MS) });
			await response.body?.cancel();
			if (!response.ok) return fail(name, `${url}${path} answers ${response.status}`, "see its log for the reason");
		} catch (error) {
			const { cause, message } = error as Error & { cause?: Error };
			return fail(name, `${url}${path}: ${cause?.message || message}`, "is a mesh up, and is its address right?");
		}
	}
	return ok(name, `${url} is healthy and ready`);
};
