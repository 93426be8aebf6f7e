import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { parsePort } from "#cli/up/flags.ts";
import { connectHost, defaultMeshOptions, hostAgentName, type MeshOptions, planPorts } from "#cli/up/options.ts";
import { resolveHome } from "#shared/home.ts";
import { isName } from "#shared/ids.ts";

const anyPorts: MeshOptions = {
	...defaultMeshOptions(),
	home: resolveHome(tmpdir()),
	httpPort: 0,
	grpcPort: 0,
	natsPort: 0,
	agentGrpcPort: 0,
	servingPort: 0,
};

const occupied = async (): Promise<number> => {
	const server: Server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	onTestFinished(() => void server.close());
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	return address.port;
};

test("port 0 becomes a port of its own for each", async () => {
	const ports = await planPorts({ ...anyPorts, agents: 3, agentName: "lab" });
	const all = [ports.http, ports.grpc, ports.nats, ...ports.agents.flatMap((a) => [a.grpcPort, a.servingPort])];
	expect(new Set(all).size).toBe(9);
	expect(all).not.toContain(0);
	expect(ports.agents.map(({ name }) => name)).toEqual(["lab", "lab-2", "lab-3"]);
});

test("every taken port is named at once, with the flags that help", async () => {
	const [http, nats] = [await occupied(), await occupied()];
	await expect(planPorts({ ...anyPorts, httpPort: http, natsPort: nats })).rejects.toMatchObject({
		code: "RM_PORT_IN_USE",
		message: expect.stringMatching(new RegExp(`(?=.*${http} \\(--http-port\\))(?=.*${nats} \\(--nats-port\\))`)),
		hint: expect.stringMatching(/(?=.*--http-port 0)(?=.*--nats-port 0)/),
	});
});

test("with an existing NATS its port is nobody's concern", async () => {
	const taken = await occupied();
	const ports = await planPorts({ ...anyPorts, natsPort: taken, nats: `nats://127.0.0.1:${taken}` });
	expect(ports.nats).toBeNull();
});

test.each([
	["127.0.0.1", "127.0.0.1"],
	["0.0.0.0", "127.0.0.1"],
	["::", "[::1]"],
	["fd00::7", "[fd00::7]"],
])("what listens on %s is found at %s", (host, expected) => {
	expect(connectHost(host)).toBe(expected);
});

test("the host's name makes a name for an agent", () => {
	expect(isName(hostAgentName())).toBe(true);
});

test.each(["-1", "65536", "7400x", "", "1e3", "0x10"])("%j is no port", (text) => {
	expect(() => parsePort("--http-port", text)).toThrow(/--http-port/);
});
