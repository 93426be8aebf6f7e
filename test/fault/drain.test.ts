/** Machines taken out of service: what people decide of agents holds, whoever dies meanwhile, and nothing is run twice. */

import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ApiClient } from "#cli/lib/client.ts";
import type { AgentView } from "#shared/api.ts";
import { endedOnce, gatedSteps, started } from "#test/support/gated-steps.ts";
import { startLooseMesh, submit } from "#test/support/loose-mesh.ts";

const agentWhen = async (client: ApiClient, id: string, holds: (agent: AgentView) => boolean): Promise<AgentView> => {
	for (;;) {
		const agent = await client.agent(id);
		if (holds(agent)) return agent;
		await delay(100);
	}
};

test("a drained agent ends its work, over the death of its coordinator, hands over what it made, and leaves", async () => {
	const mesh = await startLooseMesh();
	const first = await mesh.coordinator("c1");
	const nodes = {
		a: await mesh.agent("a", { coordinator: first.grpc }),
		b: await mesh.agent("b", { coordinator: first.grpc }),
	};
	const steps = gatedSteps(mesh, ["train"]);
	const run = await submit(first.client, steps.pipeline);
	const attempt = await started(first.client, run, "train");
	const holder = (await first.client.run(run)).stepList[0]?.attempts[0]?.agent as "a" | "b";

	const cli = ["--url", first.client.url, "--token", mesh.nats.credentials.apiToken];
	const drain = mesh.start(...cli, "agents", "drain", holder, "--leave", "--reason", "disk swap");
	await drain.printed(/still runs 1 attempt: /);
	expect(await first.client.agent(holder)).toMatchObject({ state: "draining", attempts: [attempt] });
	await first.kill();
	const second = await mesh.coordinator("c1");
	const draining = await agentWhen(second.client, holder, ({ state }) => state === "draining");
	expect(draining).toMatchObject({ closed: "being drained by admin: disk swap", cordon: { reason: "disk swap" } });

	steps.open(attempt);
	expect(await drain.finished).toMatchObject({ code: 0 });
	expect(drain.text()).toContain(`${holder} is drained`);
	// What it made is read on the other one, for it stays until nothing needs it.
	const { stepList } = await endedOnce(second.client, run, steps);
	expect(stepList[1]?.attempts.map(({ agent }) => agent)).toEqual([holder === "a" ? "b" : "a"]);
	await nodes[holder].gone;
	while ((await second.client.agents()).length > 1) await delay(100);

	// The same machine, started again, is a new one.
	await mesh.agent(holder, { coordinator: second.grpc });
	expect(await agentWhen(second.client, holder, ({ state }) => state === "online")).toMatchObject({ cordon: null });
});

test("a cordoned agent gets nothing, dead or alive, until it is opened; forgotten, it is there again when it comes back", async () => {
	const mesh = await startLooseMesh();
	const coordinator = await mesh.coordinator("c1");
	const { client, grpc } = coordinator;
	const cli = ["--url", client.url, "--token", mesh.nats.credentials.apiToken];
	const agent = await mesh.agent("a", { coordinator: grpc });
	expect(await mesh.run(...cli, "agents", "cordon", "a", "--reason", "new driver")).toMatchObject({ code: 0 });
	await agent.kill();
	await mesh.agent("a", { coordinator: grpc });
	const steps = gatedSteps(mesh, ["train"]);
	steps.open("all");
	const run = await submit(client, steps.pipeline);
	await agentWhen(client, "a", ({ state }) => state === "cordoned");
	while ((await client.explain(run, "train")).waits.length === 0) await delay(50);
	const { summary, hints } = await client.explain(run, "train");
	expect(summary).toContain("a: cordoned by admin: new driver");
	expect(hints).toContain("`runmesh agents uncordon a` lets it take work again");
	expect(await mesh.run(...cli, "agents", "uncordon", "a")).toMatchObject({ code: 0 });
	await endedOnce(client, run, steps);

	const paused = await mesh.agent("b", { coordinator: grpc });
	await agentWhen(client, "b", ({ state }) => state === "online");
	expect(await mesh.run(...cli, "agents", "rm", "b")).toMatchObject({ code: 4 });
	paused.pause();
	await agentWhen(client, "b", ({ state }) => state === "lost");
	expect(await mesh.run(...cli, "agents", "rm", "b")).toMatchObject({ code: 0 });
	expect((await client.agents()).map(({ id }) => id)).toEqual(["a"]);
	paused.resume();
	await agentOnline(client, "b");
});

const agentOnline = async (client: ApiClient, id: string): Promise<void> => {
	while (!(await client.agents()).some((agent) => agent.id === id && agent.state === "online")) await delay(100);
};
