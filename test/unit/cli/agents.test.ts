/** What the CLI does with agents: cordon, drain and forget; and how it shows them, and what attempts took. */

import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "#cli/lib/client.ts";
import { waitDrained } from "#cli/lib/drain.ts";
import { agentsView, agentView } from "#cli/output/agents-view.ts";
import { createView } from "#cli/output/print.ts";
import { runView } from "#cli/output/runs-view.ts";
import type { AgentView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { attemptView, runDetail, stepView } from "#test/support/run-detail.ts";
import { readBody, sendJson, startTinyHttp } from "#test/support/tiny-http.ts";

const agent = (more: Partial<AgentView> = {}): AgentView => ({
	...{ id: "lab-1", name: "lab-1", state: "draining", closed: "being drained by admin", version: "0.1.0", labels: {} },
	cordon: { reason: "", by: "admin", sinceMs: Date.now() - 150_000 },
	...{ fingerprint: null, capacity: null, usable: null, free: null, devices: [] },
	...{ attempts: [], replicas: [], endpoints: null, lastHeartbeatAtMs: Date.now() },
	...more,
});

test("what is asked of an agent goes where the API has it", async () => {
	const asked: string[] = [];
	const server = await startTinyHttp(async (request, response) => {
		asked.push(`${request.method} ${request.url?.replace("/api/v1", "")} ${await readBody(request)}`);
		if (request.method === "DELETE") response.writeHead(204).end();
		else sendJson(response, 200, agent());
	});
	onTestFinished(() => server.stop());
	const client = createApiClient({ url: server.url, token: "secret" });
	await client.cordonAgent("lab-1", { reason: "disk" });
	await client.uncordonAgent("lab-1");
	await client.drainAgent("lab-1", { reason: "", leave: true });
	await client.forgetAgent("a/b");
	expect(asked).toEqual([
		'POST /agents/lab-1/cordon {"reason":"disk"}',
		"POST /agents/lab-1/uncordon {}",
		'POST /agents/lab-1/drain {"reason":"","leave":true}',
		"DELETE /agents/a%2Fb ",
	]);
});

/** Each look sees the next; the last stays. */
const drainOf = async (looks: (AgentView | Error)[], timeoutMs = 60_000) => {
	const notes: string[] = [];
	let looked = 0;
	const client = {
		agent: async (): Promise<AgentView> => {
			const seen = looks[Math.min(looked++, looks.length - 1)] as AgentView | Error;
			if (seen instanceof Error) throw seen;
			return seen;
		},
	};
	const patience = { firstDelayMs: 1, maxDelayMs: 1, giveUpAfterMs: 10_000 };
	const note = (text: string): void => void notes.push(text);
	const options = { timeoutMs, signal: new AbortController().signal, note, patience, lookEveryMs: 1 };
	const drained = waitDrained(client, agent(), options);
	return { notes, drained };
};

test("drain tells what is left whenever that changes, over a restart of the coordinator, until nothing is", async () => {
	const replicas: AgentView["replicas"] = [
		{ deployment: "digits", version: 1, state: "serving", detail: "", revision: 1, endpoint: "" },
	];
	const { notes, drained } = await drainOf([
		agent({ attempts: ["r1.a.1", "r1.b.1", "r1.c.1", "r1.d.1"], replicas }),
		agent({ attempts: ["r1.a.1"], replicas }),
		agent({ attempts: ["r1.a.1"], replicas }),
		new RunmeshError("RM_UNAVAILABLE", "no coordinator"),
		agent({ replicas }),
		agent({ state: "drained" }),
	]);
	expect(await drained).toMatchObject({ state: "drained" });
	expect(notes).toEqual([
		"lab-1 still runs 4 attempts: r1.a.1, r1.b.1, r1.c.1 and 1 more",
		"lab-1 still runs 1 attempt: r1.a.1",
		"no coordinator; trying again",
		"lab-1 still serves digits until others do",
	]);
});

test("one that is lost or has left has nothing left, one that is opened again drains no more", async () => {
	const lost = await drainOf([agent({ state: "lost", closed: "not heard from" })]);
	expect(await lost.drained).toMatchObject({ state: "lost" });
	const left = await drainOf([agent({ attempts: ["r1.a.1"] }), new RunmeshError("RM_NOT_FOUND", "no agent")]);
	expect(await left.drained).toMatchObject({ state: "lost", attempts: [] });
	const opened = await drainOf([agent({ attempts: ["r1.a.1"] }), agent({ state: "online", cordon: null })]);
	await expect(opened.drained).rejects.toMatchObject({ code: "RM_CONFLICT" });
});

test("drain waits no longer than it was told", async () => {
	const { drained } = await drainOf([agent({ attempts: ["r1.a.1"] })], 0);
	await expect(drained).rejects.toMatchObject({
		code: "RM_UNAVAILABLE",
		message: "lab-1 still runs 1 attempt: r1.a.1 after 0ms; it goes on draining",
		hint: expect.stringContaining("runmesh agents uncordon lab-1"),
	});
});

const view = createView({ colors: false, isTerminal: false, stdout: process.stdout });

test("an agent that takes nothing says why, where it is listed and where it is shown", () => {
	const cordoned = agent({ state: "cordoned", closed: "cordoned by admin: disk swap" });
	const lost = agent({ id: "lab-2", name: "lab-2", state: "lost", closed: "not heard from", cordon: null });
	const [header, first, second] = agentsView([cordoned, lost], view);
	expect(header).toMatch(/TAKES NOTHING NEW$/);
	expect(first).toMatch(/^lab-1 {2}cordoned .* cordoned by admin: disk swap$/);
	expect(second).toMatch(/^lab-2 {2}lost .*now$/);
	expect(agentView(cordoned, view).join("\n")).toMatch(/^closed +cordoned by admin: disk swap \(2m ago\)$/m);
});

test("runs show tells what steps took where it is worth a line", () => {
	const usage = { setupMs: 0, cpuSeconds: 0, peakMemoryBytes: 0, gpuSeconds: 0, peakGpuMemoryBytes: 0, limits: {} };
	const train = { ...usage, setupMs: 12_000, cpuSeconds: 34, peakMemoryBytes: 1.5 * 1024 ** 3 };
	const steps = [
		stepView("tiny", { attempts: [attemptView(1, { usage: { ...usage, cpuSeconds: 0.1, peakMemoryBytes: 1e6 } })] }),
		stepView("train", { attempts: [attemptView(1, { usage: train }), attemptView(2)] }),
	];
	const lines = runView(runDetail(steps), view);
	expect(lines.slice(-3)).toEqual(["", "TOOK   PEAK MEMORY    CPU  SET-UP", "train      1.5 GiB  34.0s   12.0s"]);
	expect(runView(runDetail(steps.slice(0, 1)), view).join("\n")).not.toContain("TOOK   PEAK");
});
