/** A mesh as `runmesh up` starts it is closed: nobody without its secrets, and nobody from another machine. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { credentials as channel, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeploymentView } from "#shared/api.ts";
import { bearer, type Credentials, grpcMetadata, requireCredentials } from "#shared/credentials.ts";
import { BlobService, LogService } from "#shared/wire/services.ts";
import type { Running } from "#test/support/command-line.ts";
import { commandMesh } from "#test/support/command-mesh.ts";
import { addModel } from "#test/support/onnx-models.ts";
import { isLoopback, listening } from "#test/support/sockets.ts";
import { type Living, processesNaming } from "#test/support/test-folder.ts";

const mesh = commandMesh();
const secrets = (): Credentials => requireCredentials(mesh.home, {});
/** Those that open something: the name that goes with a password is none. */
const secretTexts = (): Omit<Credentials, "natsUser"> => {
	const { natsUser: _, ...texts } = secrets();
	return texts;
};
/** What a stranger may try: nothing, nonsense, the secret of another wire. */
const wrongTokens = (right: keyof Omit<Credentials, "natsUser">): (string | null)[] => {
	const { [right]: _, ...others } = secretTexts();
	return [null, "", "wrong", ...Object.values<string>(others)];
};
const header = (token: string | null): Record<string, string> =>
	token === null ? {} : { authorization: bearer(token) };

let following: Running | null = null;

/** While these tests look, a model is served and a step runs. */
beforeAll(async () => {
	const file = mesh.pipeline(
		"busy",
		`name: busy
steps:
  make: {run: 'cp model.onnx "$RUNMESH_OUTPUTS/"', outputs: {model: model.onnx}}
  deploy: {uses: deploy, with: {model: make.model, name: adder}}
  work: {needs: [deploy], run: 'env; echo working; sleep 1000'}
`,
		{ "model.onnx": addModel(1) },
	);
	following = mesh.start("run", file);
	await following.printed(/│ working/);
});

/** A step outlives its mesh; a run that is cancelled does not. */
afterAll(async () => {
	const { code } = await mesh.run("runs", "cancel", "latest");
	if (code === 0) await following?.finished;
});

const asUrl = (address: string): string => (/^\w+:\/\//.test(address) ? address : `http://${address}`);

/** Serving has an endpoint once there is a model. */
const servingEndpoint = async (): Promise<string> => {
	const [deployment] = await mesh.json<DeploymentView[]>("deployments", "ls");
	return asUrl(deployment?.replicas[0]?.endpoint ?? "");
};

describe("without its token", () => {
	test("the HTTP API answers 401, whatever is asked", async () => {
		const { url } = mesh.summary();
		const described = await fetch(`${url}/api/v1/openapi.json`, { headers: header(secrets().apiToken) });
		const { paths } = (await described.json()) as { paths: Record<string, Record<string, unknown>> };
		const calls = Object.entries(paths).flatMap(([path, verbs]) =>
			Object.keys(verbs).map((verb) => ({ method: verb.toUpperCase(), path: path.replace(/\{\w+\}/g, "latest") })),
		);
		expect(calls).toContainEqual({ method: "GET", path: "/api/v1/runs" });
		// Who joins has a token of another kind, which comes with what it asks.
		const closed = calls.filter(({ path }) => path.startsWith("/api/") && path !== "/api/v1/join");
		expect(closed.length).toBeGreaterThan(15);
		for (const { method, path } of closed) {
			for (const token of wrongTokens("apiToken")) {
				const response = await fetch(`${url}${path}`, { method, headers: header(token) });
				const told = { status: response.status, type: response.headers.get("content-type") };
				expect(told, `${method} ${path} with ${token}`).toEqual({
					status: 401,
					type: expect.stringContaining("application/problem+json"),
				});
				expect(await response.json()).toMatchObject({ code: "RM_UNAUTHENTICATED", status: 401 });
			}
		}
	});

	test("nobody joins, whatever other secret is brought", async () => {
		const { url } = mesh.summary();
		const { apiToken, meshToken } = secrets();
		for (const token of ["abcdef.abcdefghijklmnopqrstuvwxyzabcdef", apiToken, meshToken]) {
			const response = await fetch(`${url}/api/v1/join`, {
				method: "POST",
				headers: { "content-type": "application/json", ...header(apiToken) },
				body: JSON.stringify({ token, host: "other" }),
			});
			expect(response.status).toBe(401);
			expect(await response.text()).not.toContain("credentials");
		}
	});

	test("the gRPC of coordinator and agent answers UNAUTHENTICATED", async () => {
		const { grpc, agents } = mesh.summary();
		const digest = `sha256:${"0".repeat(64)}`;
		for (const address of [grpc, ...agents.map((agent) => agent.grpc)]) {
			const blobs = new BlobService(address, channel.createInsecure());
			const read = (metadata: Metadata): Promise<ServiceError> =>
				new Promise((resolve) => {
					blobs.read({ digest }, metadata).on("error", resolve).resume();
				});
			for (const token of wrongTokens("meshToken")) {
				const metadata = new Metadata();
				if (token !== null) metadata.set("authorization", bearer(token));
				expect(await read(metadata), `${address} with ${token}`).toMatchObject({ code: status.UNAUTHENTICATED });
			}
			expect(await read(grpcMetadata(secrets())), `${address} with its token`).toMatchObject({
				code: status.NOT_FOUND,
			});
			blobs.close();
		}
	});

	test("the coordinator takes no logs", async () => {
		const logs = new LogService(mesh.summary().grpc, channel.createInsecure());
		for (const token of wrongTokens("meshToken")) {
			const metadata = new Metadata();
			if (token !== null) metadata.set("authorization", bearer(token));
			const refused = new Promise((resolve) => logs.push(metadata).on("error", resolve).resume());
			expect(await refused).toMatchObject({ code: status.UNAUTHENTICATED });
		}
		logs.close();
	});

	test("the serving endpoint answers 401", async () => {
		const url = await servingEndpoint();
		const body = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] });
		const infer = (token: string | null): Promise<Response> =>
			fetch(`${url}/v2/models/adder/infer`, {
				method: "POST",
				headers: { "content-type": "application/json", ...header(token) },
				body,
			});
		expect((await infer(secrets().inferenceToken)).status).toBe(200);
		for (const token of wrongTokens("inferenceToken")) {
			expect((await infer(token)).status, `infer with ${token}`).toBe(401);
			for (const path of ["/v2", "/v2/models/adder", "/v2/models/adder/ready", "/v2/nothing"]) {
				expect((await fetch(`${url}${path}`, { headers: header(token) })).status, path).toBe(401);
			}
		}
	});

	test("NATS lets nobody in", async () => {
		const { natsUser, natsPassword, apiToken, meshToken } = secrets();
		const servers = mesh.summary().nats;
		for (const login of [
			{},
			{ user: natsUser },
			{ user: natsUser, pass: "wrong" },
			{ user: natsUser, pass: apiToken },
			{ user: "other", pass: natsPassword },
			{ token: meshToken },
		]) {
			await expect(connect({ servers, reconnect: false, ...login }), JSON.stringify(login)).rejects.toMatchObject({
				code: "AUTHORIZATION_VIOLATION",
			});
		}
		const connection = await connect({ servers, reconnect: false, user: natsUser, pass: natsPassword });
		await connection.close();
	});

	test("the command line says what to do", async () => {
		const { code, stdout, stderr } = await mesh.run("runs", "ls", "--token", "wrong");
		expect({ code, stdout: stdout.toString() }).toEqual({ code: 6, stdout: "" });
		expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
	});
});

describe.skipIf(process.platform !== "linux")("its processes", () => {
	/** All that belong to it: what `up` started, what those started, and the step. */
	const living = (): Living[] => {
		const found = processesNaming(mesh.folder);
		const { pid, processes } = mesh.summary();
		expect(found.map((process) => process.pid)).toEqual(expect.arrayContaining([pid, ...Object.values(processes)]));
		return found;
	};

	test("listen on loopback alone, and only where the mesh says", async () => {
		const { url, grpc, nats, agents } = mesh.summary();
		const sockets = listening(living().map(({ pid }) => pid));
		expect(sockets.filter((socket) => !isLoopback(socket))).toEqual([]);
		const said = [url, nats, grpc, ...agents.map((agent) => agent.grpc), await servingEndpoint()];
		const ports = said.map((address) => Number(new URL(asUrl(address)).port));
		expect([...new Set(sockets.map(({ port }) => port))].sort()).toEqual(ports.sort());
	});

	test("have no secret in their command line", () => {
		for (const [name, secret] of Object.entries(secretTexts())) {
			expect(living().filter(({ command }) => command.includes(secret))).toEqual([]);
			expect(secret.length, name).toBeGreaterThan(20);
		}
	});
});

test("a step has no secret in its environment", async () => {
	const { stdout } = await mesh.run("logs", "latest", "work");
	expect(stdout.toString()).toContain("RUNMESH_STEP=work");
	for (const secret of Object.values(secretTexts())) expect(stdout.includes(secret)).toBe(false);
});

test.skipIf(process.platform === "win32")("secrets lie only in files that are their owner's alone", () => {
	const { home } = mesh;
	expect(statSync(home.credentials).mode & 0o777).toBe(0o600);
	expect(statSync(home.root).mode & 0o077).toBe(0);
	const texts = Object.values(secretTexts());
	const holding = readdirSync(home.root, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name))
		.filter((path) => texts.some((secret) => readFileSync(path).includes(secret)));
	expect(holding.sort()).toEqual([home.credentials, join(home.nats, "nats.conf")].sort());
	for (const path of holding) expect(statSync(path).mode & 0o077, path).toBe(0);
});
