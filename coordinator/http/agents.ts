/** The agents of the mesh. */

import { z } from "zod";
import { RunmeshError } from "#shared/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { type Api, nameSchema } from "./validation.ts";

export const agentRoutes = (app: Api, deps: HttpDeps): void => {
	app.get("/agents", { config: { summary: "All agents" } }, async () => deps.agents());

	app.get(
		"/agents/:agent",
		{ schema: { params: z.strictObject({ agent: nameSchema }) }, config: { summary: "An agent, by id or name" } },
		async ({ params }) => {
			const agents = deps.agents();
			const agent = agents.find(({ id }) => id === params.agent) ?? agents.find(({ name }) => name === params.agent);
			if (agent) return agent;
			throw new RunmeshError("RM_NOT_FOUND", `no agent "${params.agent}"`, { hint: "see `runmesh agents ls`" });
		},
	);
};
