/** Agents and join tokens over the real API and the real core; only the journal is stood in for. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgentCommands } from "#coordinator/agent-commands.ts";
import type { Input } from "#coordinator/core/inputs.ts";
import { createJoinTokenCommands } from "#coordinator/join-tokens.ts";
import { agentViews } from "#coordinator/registry/view.ts";
import type { AgentView, JoinGrant, JoinTokenView, ProblemView } from "#shared/api.ts";
import type { AgentId } from "#shared/ids.ts";
import { agentShape } from "#test/support/api-shapes.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";
import { commandsOf, postJson, startTestApi, type TestApi } from "#test/support/http-api.ts";

let api: TestApi;
let mesh: CoreMesh;

beforeEach(async () => {
	mesh = new CoreMesh();
	const take = async (input: Input): Promise<void> => void mesh.give(input);
	api = await startTestApi({
		agents: () => agentViews(mesh.state),
		commands: commandsOf({
			...createAgentCommands(mesh.state, take),
			...createJoinTokenCommands(mesh.state, take, { nowMs: () => mesh.nowMs }),
		}),
	});
});
afterEach(() => api.close());

const problem = async (path: string, init?: RequestInit): Promise<ProblemView> => {
	const response = await api.call(path, init);
	expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
	return (await response.json()) as ProblemView;
};

describe("agents", () => {
	it("are cordoned, drained and opened again", async () => {
		mesh.agent("lab-1");
		mesh.submit(pipelineOf(stepOf("one")));
		expect(await api.json<AgentView>("/agents/lab-1")).toEqual({ ...agentShape, state: "online", closed: "" });
		expect(await api.json("/agents/lab-1/cordon", postJson({ reason: "disk swap" }))).toMatchObject({
			...{ state: "cordoned", closed: "cordoned by admin: disk swap" },
			cordon: { reason: "disk swap", by: "admin", sinceMs: mesh.nowMs },
		});
		expect(await api.json("/agents/lab-1/drain", postJson({ reason: "", leave: true }))).toMatchObject({
			...{ state: "draining", attempts: ["r1.one.1"] },
		});
		mesh.finish(mesh.takeTask("one"));
		expect(await api.json("/agents/lab-1")).toMatchObject({ state: "drained", attempts: [] });
		expect(await api.json("/agents/lab-1/uncordon", { method: "POST" })).toMatchObject({
			...{ state: "online", closed: "", cordon: null },
		});
	});

	it("are forgotten only when they are lost", async () => {
		mesh.agent("lab-1");
		expect(await problem("/agents/lab-1", { method: "DELETE" })).toMatchObject({
			...{ code: "RM_CONFLICT", detail: "lab-1 is online: only an agent that is lost can be forgotten" },
		});
		mesh.nowMs += 60_000;
		mesh.give({ kind: "tick" });
		expect(await api.json("/agents/lab-1")).toMatchObject({ state: "lost" });
		expect((await api.call("/agents/lab-1", { method: "DELETE" })).status).toBe(204);
		expect(await problem("/agents/lab-1", { method: "DELETE" })).toMatchObject({ code: "RM_NOT_FOUND" });
		expect(await api.json("/agents")).toEqual([]);
	});

	it("that are unknown, and what is no request, are refused", async () => {
		mesh.agent("lab-1");
		expect(await problem("/agents/lab-2/cordon", postJson({ reason: "" }))).toMatchObject({ code: "RM_NOT_FOUND" });
		for (const body of [{ reason: "x".repeat(1_001) }, { reason: 1 }, { leave: true }, { why: "" }]) {
			expect(await problem("/agents/lab-1/cordon", postJson(body))).toMatchObject({ code: "RM_BAD_INPUT" });
		}
		expect(mesh.journal.filter(({ kind }) => kind === "agentModeChanged")).toEqual([]);
	});
});

const join = (body: unknown): Promise<Response> =>
	fetch(`${api.url}/api/v1/join`, { ...postJson(body), headers: { "content-type": "application/json" } });

const issue = (body: object): Promise<JoinTokenView> => api.json("/join-tokens", postJson(body));

describe("a join token", () => {
	it("lets as many machines in as it was made for, and is told once", async () => {
		const made = await issue({ ttlMs: 600_000, uses: 2 });
		expect(made).toMatchObject({ uses: 2, used: 0, by: "admin", hosts: [], expiresAtMs: mesh.nowMs + 600_000 });
		expect(made.token).toMatch(/^[0-9a-z]{6}\.[\w-]{32}$/);
		const answers = await Promise.all(["lab-1", "lab-2", "lab-3"].map((host) => join({ token: made.token, host })));
		expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 401]);
		const granted = answers.find(({ ok }) => ok) as Response;
		expect(granted.headers.get("cache-control")).toBe("no-store");
		const grant = (await granted.json()) as JoinGrant;
		expect(grant).toMatchObject({ nats: ["nats://127.0.0.1:4222"], coordinator: "127.0.0.1:7401" });
		expect(grant.credentials.apiToken).toBe(api.token);
		const listed = await api.json<JoinTokenView[]>("/join-tokens");
		expect(listed).toMatchObject([{ id: made.id, used: 2 }]);
		expect(JSON.stringify([listed, mesh.journal])).not.toContain(made.token?.split(".")[1]);
	});

	it("that is wrong, expired, revoked or used up is refused in the same words", async () => {
		const [used, revoked, expired] = [await issue({}), await issue({}), await issue({ ttlMs: 60_000 })];
		await join({ token: used.token, host: "lab-1" });
		expect((await api.call(`/join-tokens/${revoked.id}`, { method: "DELETE" })).status).toBe(204);
		mesh.nowMs += 60_000;
		const wrong = `${(await issue({})).id}.${used.token?.split(".")[1]}`;
		const refusals = await Promise.all(
			[used.token, revoked.token, expired.token, wrong, "x", "a.b.c", "__proto__.x"].map(async (token) => {
				const response = await join({ token, host: "lab-1" });
				return [response.status, await response.text()];
			}),
		);
		expect(new Set(refusals.map(String)).size).toBe(1);
		expect(refusals[0]).toEqual([401, expect.stringContaining("expired, revoked or used up")]);
		expect(await problem("/join-tokens/nothing", { method: "DELETE" })).toMatchObject({ code: "RM_NOT_FOUND" });
	});

	it("can't be guessed for long, nor asked for without the API's token", async () => {
		for (let count = 0; count < 10; count++) expect((await join({ token: "a.b", host: "x" })).status).toBe(401);
		const { token } = await issue({});
		const late = await join({ token, host: "lab-1" });
		expect(late.status).toBe(503);
		expect(await late.json()).toMatchObject({ code: "RM_UNAVAILABLE", hint: expect.stringContaining("a minute") });
		const bare = await fetch(`${api.url}/api/v1/join-tokens`, postJson({}));
		expect(bare.status).toBe(401);
	});

	it("comes in small requests only", async () => {
		for (const body of [{ ttlMs: 1 }, { uses: 0 }, { uses: 1_001 }, { ttlMs: 31 * 86_400_000 }, { more: 1 }]) {
			expect(await problem("/join-tokens", postJson(body))).toMatchObject({ code: "RM_BAD_INPUT" });
		}
		const large = await join({ token: "x".repeat(5_000), host: "h" });
		expect(await large.json()).toMatchObject({ status: 413, detail: "the request body is larger than 4 KiB" });
		expect((await join({ token: "a.b", host: "two\nlines" })).status).toBe(400);
		expect((await join({ token: "a.b" })).status).toBe(400);
	});
});

it("what an agent has free, and what is held back, is shown by device", async () => {
	const id: AgentId = mesh.agent("lab-1", 4, { gpus: 2 });
	mesh.give({
		kind: "heartbeatReceived",
		replyTo: "inbox",
		heartbeat: {
			...{ agentId: id, sessionId: "s1", atMs: 0, attempts: [], load: null, draining: false, closed: "" },
			usable: {
				...{ cpuMillis: 3_000, memoryBytes: 6e9, diskBytes: 0 },
				devices: [{ id: "GPU-1", memoryBytes: 10e9, reason: "in use by bob" }],
			},
		},
	});
	expect(await api.json("/agents/lab-1")).toMatchObject({
		usable: { cpuMillis: 3_000 },
		free: { cpuMillis: 3_000, memoryBytes: 6e9, gpu: { count: 1 } },
		devices: [
			{ id: "GPU-0", freeBytes: 40e9, attempts: 0, reason: "" },
			{ id: "GPU-1", freeBytes: 10e9, attempts: 0, reason: "in use by bob" },
		],
	});
});
