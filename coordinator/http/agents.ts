/** The agents of the mesh, and what a person decides of them. */

import { z } from "zod";
import type { AgentModeRequest, AgentView } from "#shared/api.ts";
import type { AgentMode } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { AgentId } from "#shared/ids.ts";
import type { HttpDeps } from "./deps.ts";
import { SUBMITTER } from "./run-answers.ts";
import { type Api, nameSchema, wordsSchema } from "./validation.ts";

const agentParams = z.strictObject({ agent: nameSchema });
const reasonSchema: z.ZodType<Omit<AgentModeRequest, "leave"> | null | undefined> = z
	.strictObject({ reason: wordsSchema.default("") })
	.nullish();
const drainSchema: z.ZodType<AgentModeRequest | null | undefined> = z
	.strictObject({ reason: wordsSchema.default(""), leave: z.boolean().default(false) })
	.nullish();

export const agentRoutes = (app: Api, deps: HttpDeps): void => {
	const { commands } = deps;

	const named = (name: string): AgentView => {
		const agents = deps.agents();
		const agent = agents.find(({ id }) => id === name) ?? agents.find((each) => each.name === name);
		if (agent) return agent;
		throw new RunmeshError("RM_NOT_FOUND", `no agent "${name}"`, { hint: "see `runmesh agents ls`" });
	};
	const setMode = async (name: string, mode: AgentMode, request: AgentModeRequest | null | undefined) => {
		const { id } = named(name);
		const { reason = "", leave = false } = request ?? {};
		await commands.setAgentMode(id as AgentId, mode, { reason, by: SUBMITTER, leave });
		return named(id);
	};

	app.get("/agents", { config: { summary: "All agents" } }, async () => deps.agents());

	app.get(
		"/agents/:agent",
		{ schema: { params: agentParams }, config: { summary: "An agent, by id or name" } },
		async ({ params }) => named(params.agent),
	);

	app.post(
		"/agents/:agent/cordon",
		{ schema: { params: agentParams, body: reasonSchema }, config: { summary: "Give it nothing new" } },
		async ({ params, body }) => setMode(params.agent, "cordoned", body),
	);

	app.post(
		"/agents/:agent/uncordon",
		{ schema: { params: agentParams, body: reasonSchema }, config: { summary: "Give it work again" } },
		async ({ params, body }) => setMode(params.agent, "open", body),
	);

	app.post(
		"/agents/:agent/drain",
		{
			schema: { params: agentParams, body: drainSchema },
			config: { summary: "Give it nothing new until all that runs there has ended; with `leave` it ends then" },
		},
		async ({ params, body }) => setMode(params.agent, "draining", body),
	);

	app.delete(
		"/agents/:agent",
		{ schema: { params: agentParams }, config: { summary: "Forget an agent that is lost" } },
		async ({ params }, reply) => {
			await commands.forgetAgent(named(params.agent).id as AgentId, SUBMITTER);
			return reply.code(204).send();
		},
	);
};
