import { connect } from "node:net";
import { Writable } from "node:stream";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentView, ProblemView } from "#shared/api.ts";
import { errorTable } from "#shared/errors.ts";
import { startTestApi, type TestApi } from "#test/support/http-api.ts";
import { createStory, pipelineOf, stepOf } from "#test/support/journal-story.ts";

const agent = { id: "agent-1", name: "lab", state: "online" } as AgentView;
let agentState = agent.state;

let api: TestApi;
let logged: string;
let ready: boolean;
beforeEach(async () => {
	logged = "";
	ready = true;
	const sink = new Writable({
		write: (chunk, _encoding, done) => {
			logged += chunk;
			done();
		},
	});
	api = await startTestApi({
		log: pino({}, sink),
		agents: () => [{ ...agent, state: agentState }],
		ready: () => ready,
	});
	const story = createStory("r0000000000001");
	api.commit(
		story.submitted(pipelineOf("digits", [stepOf("train"), stepOf("deploy")])),
		...story.passed("train"),
		story.registered("digits", 1),
		story.deployed("digits", 1, ["agent-1"]),
	);
});
afterEach(() => api.close());

interface OpenApi {
	paths: Record<string, Record<string, { security?: unknown[]; summary: string }>>;
}

const operations = async () => {
	const { paths } = await api.json<OpenApi>("/openapi.json");
	return Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
	);
};

/** What the head of shared/api.ts lists. */
const contract = [
	"POST /api/v1/runs",
	"POST /api/v1/plan",
	"GET /api/v1/runs",
	"GET /api/v1/runs/{run}",
	"POST /api/v1/runs/{run}/cancel",
	"POST /api/v1/runs/{run}/retry",
	"POST /api/v1/runs/{run}/steps/{step}/approve",
	"POST /api/v1/runs/{run}/steps/{step}/cancel",
	"GET /api/v1/runs/{run}/steps/{step}/logs",
	"GET /api/v1/runs/{run}/metrics",
	"GET /api/v1/runs/{run}/artifacts",
	"GET /api/v1/runs/{run}/explain",
	"GET /api/v1/artifacts/{digest}",
	"GET /api/v1/blobs/{digest}",
	"PUT /api/v1/blobs/{digest}",
	"POST /api/v1/blobs/missing",
	"GET /api/v1/agents",
	"GET /api/v1/agents/{agent}",
	"DELETE /api/v1/agents/{agent}",
	"POST /api/v1/agents/{agent}/cordon",
	"POST /api/v1/agents/{agent}/uncordon",
	"POST /api/v1/agents/{agent}/drain",
	"GET /api/v1/join-tokens",
	"POST /api/v1/join-tokens",
	"DELETE /api/v1/join-tokens/{id}",
	"POST /api/v1/join",
	"GET /api/v1/models",
	"GET /api/v1/models/{model}",
	"GET /api/v1/deployments",
	"GET /api/v1/events",
	"GET /api/v1/openapi.json",
	"GET /healthz",
	"GET /readyz",
	"GET /metrics",
];

/** Its token stands in the body. */
const JOIN = "/api/v1/join";

describe("every route", () => {
	it("is in the OpenAPI document, and nothing else is", async () => {
		const found = await operations();
		expect(found.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(contract.toSorted());
		expect(found.filter(({ operation }) => operation.summary === "")).toEqual([]);
	});

	it("wants the token, whatever way the path is written", async () => {
		for (const { path, method, operation } of await operations()) {
			const concrete = path.replaceAll(/\{\w+\}/g, "latest");
			const isOpen = operation.security !== undefined;
			expect(isOpen, path).toBe(!path.startsWith("/api/") || path === JOIN);
			const spellings = [concrete, concrete.replace("/api", "/%61pi"), `${concrete}?token=${api.token}`];
			for (const authorization of ["", "Bearer ", `Bearer ${api.token}x`, `bearer ${api.token}`, api.token]) {
				for (const spelling of isOpen ? [concrete] : spellings) {
					const headers: Record<string, string> = authorization === "" ? {} : { authorization };
					const response = await fetch(api.url + spelling, { method, headers });
					const body = await response.text();
					if (isOpen) expect(response.status, path).toBe(path === JOIN ? 400 : 200);
					else {
						expect(response.status, `${method} ${spelling}`).toBe(401);
						expect(JSON.parse(body)).toMatchObject({ code: "RM_UNAUTHENTICATED" });
						expect(response.headers.get("www-authenticate")).toBe("Bearer");
					}
				}
			}
		}
	});

	it("answers an unknown path or method with a problem", async () => {
		for (const [method, path] of [
			["GET", "/"],
			["GET", "/api/v1/none"],
			["DELETE", "/api/v1/runs"],
			["GET", "//api/v1/runs"],
			["GET", "/api/v1/../../etc/passwd"],
			["GET", "/%ff"],
			["OPTIONS", "/api/v1/runs"],
		] as const) {
			const response = await fetch(api.url + path, { method, headers: { origin: "http://evil.example" } });
			expect(response.headers.get("content-type"), path).toMatch(/^application\/problem\+json/);
			expect(response.headers.get("access-control-allow-origin")).toBeNull();
			expect([400, 404]).toContain(response.status);
		}
	});
});

describe("hostile input", () => {
	it("never makes a defect of a query, a path or a header", async () => {
		const word = fc.oneof(
			fc.string({ maxLength: 40, unit: "binary" }),
			fc.constantFrom(
				"latest",
				"*",
				"train",
				"train.0",
				"-1",
				"1e9",
				"__proto__",
				"sha256:",
				"%00",
				"'; DROP TABLE runs",
				"99999999999999999999",
			),
		);
		const paths = fc.tuple(fc.constantFrom(...contract.filter((route) => route.startsWith("GET /api"))), word, word);
		const query = fc.dictionary(
			fc.constantFrom("state", "limit", "before", "pipeline", "name", "attempt", "since", "run", "x"),
			word,
			{ maxKeys: 3 },
		);
		await fc.assert(
			fc.asyncProperty(paths, query, word, async ([route, first, second], search, lastEventId) => {
				const words = [first, second];
				const path = route.slice(4).replaceAll(/\{\w+\}/g, () => encodeURIComponent(words.shift() || "x"));
				const headers: Record<string, string> = { authorization: `Bearer ${api.token}` };
				if (/^[\x21-\x7e]+$/.test(lastEventId)) headers["last-event-id"] = lastEventId;
				const stop = new AbortController();
				const response = await fetch(`${api.url}${path}?${new URLSearchParams(search)}`, {
					headers,
					signal: stop.signal,
				});
				const { status } = response;
				if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
					const text = await response.text();
					if (status >= 400) {
						const problem = JSON.parse(text) as ProblemView;
						expect(errorTable[problem.code].http).toBe(status);
					}
				}
				stop.abort();
				expect(status, `${path} ${JSON.stringify(search)}`).toBeLessThan(500);
			}),
			{ numRuns: 150 },
		);
		expect(logged).not.toContain('"level":50');
	});

	it("answers bytes that are no HTTP with a problem, and goes on", async () => {
		const { port } = new URL(api.url);
		const answer = await new Promise<string>((resolve, reject) => {
			const socket = connect(Number(port), "127.0.0.1", () => socket.write("NONSENSE\r\n\r\n"));
			let text = "";
			socket.on("data", (chunk) => {
				text += chunk;
			});
			socket.on("end", () => resolve(text));
			socket.on("error", reject);
		});
		expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
		expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toMatchObject({ code: "RM_BAD_INPUT" });
		expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
	});
});

describe("the small resources", () => {
	it("shows agents by id or name, models and deployments", async () => {
		expect(await api.json("/agents")).toEqual([agent]);
		expect(await api.json("/agents/agent-1")).toEqual(agent);
		expect(await api.json("/agents/lab")).toEqual(agent);
		expect((await api.call("/agents/none")).status).toBe(404);
		expect(await api.json("/models")).toMatchObject([{ name: "digits" }]);
		expect(await api.json("/models/digits")).toMatchObject({ name: "digits", versions: [{ version: 1 }] });
		expect((await api.call("/models/none")).status).toBe(404);
		expect(await api.json("/deployments")).toMatchObject([{ name: "digits", replicas: [{ state: "pending" }] }]);
		agentState = "lost";
		expect(await api.json("/deployments")).toMatchObject([
			{ replicas: [{ agent: "agent-1", state: "failed", detail: "its agent is not heard from" }] },
		]);
		agentState = "online";
	});

	it("tells probes and Prometheus how it is, without a token", async () => {
		expect(await (await fetch(`${api.url}/healthz`)).json()).toEqual({ status: "ok" });
		expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
		ready = false;
		expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
		const metrics = await (await fetch(`${api.url}/metrics`)).text();
		expect(metrics).toContain("runmesh_ready 0\n");
		expect(metrics).toContain('runmesh_runs{state="running"} 1\n');
		expect(metrics).toContain('runmesh_steps{state="succeeded"} 1\n');
		expect(metrics).toContain('runmesh_agents{state="online"} 1\n');
		expect(metrics).toContain("runmesh_journal_sequence 1\n");
		for (const line of metrics.trimEnd().split("\n")) {
			expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[a-z]+"\})? -?[0-9.e+]+)$/);
		}
	});
});

describe("listening", () => {
	it("names the port that another program has", async () => {
		const port = Number(new URL(api.url).port);
		await expect(startTestApi({ port })).rejects.toMatchObject({
			code: "RM_PORT_IN_USE",
			message: expect.stringContaining(String(port)),
		});
		await expect(startTestApi({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
	});
});
