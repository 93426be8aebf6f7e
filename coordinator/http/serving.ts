/** Models and deployments. */

import { z } from "zod";
import type { AgentView, DeploymentView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { type Api, nameSchema } from "./validation.ts";

export const servingRoutes = (app: Api, { store, agents }: HttpDeps): void => {
	app.get("/models", { config: { summary: "All models with their versions" } }, async () => store.models());

	app.get(
		"/models/:model",
		{ schema: { params: z.strictObject({ model: nameSchema }) }, config: { summary: "A model with its versions" } },
		async ({ params }) => {
			const model = store.models().find(({ name }) => name === params.model);
			if (model) return model;
			throw new RunmeshError("RM_NOT_FOUND", `no model "${params.model}"`, { hint: "see `runmesh models ls`" });
		},
	);

	app.get("/deployments", { config: { summary: "What is to be served, and what is" } }, async () =>
		asHeardFrom(store.deployments(), agents()),
	);
};

/** What an agent reported last says nothing of now, once it is lost, or forgotten. */
const asHeardFrom = (deployments: DeploymentView[], agents: AgentView[]): DeploymentView[] => {
	const heard = new Set(agents.filter(({ state }) => state !== "lost").map(({ id }) => id));
	return deployments.map((deployment) => ({
		...deployment,
		replicas: deployment.replicas.map((replica) =>
			heard.has(replica.agent) ? replica : { ...replica, state: "failed", detail: "its agent is not heard from" },
		),
	}));
};
