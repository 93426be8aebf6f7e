/** What a machine makes of the addresses and the token that it joins by. */

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { coordinatorUrl, endpointOf, isOwnAddress, withHost } from "#cli/join/addresses.ts";
import { dialableUrl } from "#cli/join/dialable.ts";
import { readGrant, wiresFrom } from "#cli/join/grant.ts";
import { redeem } from "#cli/join/redeem.ts";
import { readJoinToken } from "#cli/join/token.ts";
import type { JoinGrant } from "#shared/api.ts";
import { startTinyHttp } from "#test/support/tiny-http.ts";

test.each([
	["lab-1", "http://lab-1:7400"],
	["10.0.0.1:8000", "http://10.0.0.1:8000"],
	["http://lab-1", "http://lab-1"],
	["https://mesh.example/", "https://mesh.example"],
	["[fd00::1]", "http://[fd00::1]:7400"],
])("%s is the coordinator at %s", (text, url) => {
	expect(coordinatorUrl(text)).toBe(url);
});

test.each(["", "ftp://lab-1", "http://", "lab 1"])("%j is no address of a coordinator", (text) => {
	expect(() => coordinatorUrl(text)).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
});

test("an address keeps its scheme and port with another host", () => {
	expect(withHost("nats://127.0.0.1:4222", "lab-1")).toBe("nats://lab-1:4222");
	expect(withHost("127.0.0.1:7401", "fd00::1")).toBe("[fd00::1]:7401");
	expect(withHost("[::1]:7401", "10.0.0.1")).toBe("10.0.0.1:7401");
	expect(endpointOf("nats://[fd00::1]:4222")).toEqual({ host: "fd00::1", port: 4222 });
	expect(endpointOf("http://lab-1")).toEqual({ host: "lab-1", port: 80 });
	for (const own of ["localhost", "127.0.1.1", "[::1]", "0.0.0.0", "::"]) expect(isOwnAddress(own)).toBe(true);
	expect(isOwnAddress("10.0.0.1")).toBe(false);
});

const listen = async (host = "127.0.0.1"): Promise<{ server: Server; port: number }> => {
	const server = createServer((socket) => socket.destroy()).listen(0, host);
	await once(server, "listening");
	onTestFinished(() => void server.close());
	const address = server.address();
	return { server, port: typeof address === "object" && address ? address.port : 0 };
};

const grantOf = (nats: string[], coordinator: string): JoinGrant => ({
	...{ nats, coordinator },
	credentials: { apiToken: "a", inferenceToken: "i", meshToken: "m", natsUser: "u", natsPassword: "p" },
});

test("what names only the coordinator's own machine is looked for where we joined", async () => {
	const [nats, grpc] = await Promise.all([listen(), listen()]);
	const grant = grantOf([`nats://0.0.0.0:${nats.port}`], `127.0.0.1:${grpc.port}`);
	expect(await wiresFrom(grant, "http://localhost:7400")).toEqual({
		nats: [`nats://localhost:${nats.port}`],
		coordinator: `localhost:${grpc.port}`,
		localAddress: expect.stringMatching(/127\.0\.0\.1|::1/),
		problems: [],
	});
});

test("a name that is not known here gives way to the address we joined by", async () => {
	const [nats, grpc] = await Promise.all([listen(), listen()]);
	const grant = grantOf([`nats://127.0.0.1:${nats.port}`], `no-such-host.invalid:${grpc.port}`);
	const { coordinator, problems } = await wiresFrom(grant, "http://127.0.0.1:7400");
	expect({ coordinator, problems }).toEqual({ coordinator: `127.0.0.1:${grpc.port}`, problems: [] });
});

test("what can't be reached is named, with what the other side must do", async () => {
	const [gone, grpc] = await Promise.all([listen(), listen()]);
	gone.server.close();
	const grant = grantOf([`nats://127.0.0.1:${gone.port}`], `127.0.0.1:${grpc.port}`);
	const { problems } = await wiresFrom(grant, "http://127.0.0.1:7400");
	expect(problems).toEqual([
		{
			what: `NATS at nats://127.0.0.1:${gone.port} can't be reached from here: nobody listens there`,
			hint: expect.stringContaining("runmesh up --host 127.0.0.1"),
		},
	]);
});

test.each([
	[null],
	[{}],
	[grantOf([], "h:1")],
	[grantOf(["nats://h:1"], "nowhere")],
	[{ ...grantOf(["nats://h:1"], "h:1"), credentials: { apiToken: "" } }],
])("%j is no grant", (answer) => {
	expect(() => readGrant(answer, "http://h")).toThrow(expect.objectContaining({ code: "RM_UNAVAILABLE" }));
});

test("the token comes from the flag, from standard input, or from the environment", async () => {
	const none = Readable.from([]);
	expect(await readJoinToken("t1", { RUNMESH_JOIN_TOKEN: "t2" }, none)).toBe("t1");
	expect(await readJoinToken(undefined, { RUNMESH_JOIN_TOKEN: "t2\n" }, none)).toBe("t2");
	expect(await readJoinToken("-", {}, Readable.from(["t", "3\n"]))).toBe("t3");
	await expect(readJoinToken(undefined, {}, none)).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
	await expect(readJoinToken("-", {}, none)).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
	await expect(readJoinToken("-", {}, Readable.from(["x".repeat(5_000)]))).rejects.toMatchObject({
		code: "RM_TOO_LARGE",
	});
});

test("a coordinator that listens only on its own machine has no address for another", async () => {
	const { port } = await listen();
	expect(await dialableUrl(`http://127.0.0.1:${port}`)).toBe(null);
	expect(await dialableUrl("http://lab-1:7400")).toBe("http://lab-1:7400");
});

const problem = (status: number, code: string, hint?: string) =>
	startTinyHttp((_request, response) => {
		response.writeHead(status, { "content-type": "application/problem+json" });
		response.end(JSON.stringify({ status, code, detail: "no", ...(hint === undefined ? {} : { hint }) }));
	});

test("what a coordinator advises is told, and nothing else", async () => {
	await using standby = await problem(503, "RM_UNAVAILABLE", "http://lab-2:7400 leads");
	await expect(redeem(standby.url, "t")).rejects.toMatchObject({
		code: "RM_UNAVAILABLE",
		hint: "http://lab-2:7400 leads",
	});
	await using old = await problem(404, "RM_NOT_FOUND");
	await expect(redeem(old.url, "t")).rejects.toMatchObject({ hint: expect.stringContaining("older release") });
});

test("an address that is no coordinator's HTTP is told from one that nobody listens at", async () => {
	await using http = await problem(503, "RM_UNAVAILABLE");
	const secure = http.url.replace("http:", "https:");
	await expect(redeem(secure, "t")).rejects.toMatchObject({ hint: expect.stringContaining(`join by ${http.url}`) });
	const other = await listen();
	const wrongPort = expect.stringContaining("not the port of its HTTP API");
	await expect(redeem(`http://127.0.0.1:${other.port}`, "t")).rejects.toMatchObject({ hint: wrongPort });
	await expect(redeem("http://nobody.invalid:7400", "t")).rejects.toMatchObject({
		hint: expect.stringContaining("no name that this machine knows"),
	});
	await http.stop();
	const closed = expect.stringContaining("runmesh up --host 127.0.0.1");
	await expect(redeem(http.url, "t")).rejects.toMatchObject({ hint: closed });
});
