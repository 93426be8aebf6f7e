/** `plan`: where each step would go on the mesh as it is now. The same funnel as live placement; nothing is changed. */

import type { PlanView, SubmitRequest } from "#shared/api.ts";
import { expandSteps } from "#shared/pipeline/expand.ts";
import { requestByDefinition } from "./core/claims.ts";
import type { MeshState } from "./core/state.ts";
import { place } from "./placement/place.ts";
import { readSubmission } from "./submission.ts";

export const planRun = (state: MeshState, request: SubmitRequest): PlanView => {
	const { definition, params } = readSubmission(request);
	const candidates = [...state.agents.values()].map(({ id, node }) => ({ id, node, localBytes: 0 }));
	return {
		pipeline: definition.name,
		params,
		steps: expandSteps(definition).map((cell) => {
			const request = requestByDefinition(cell.definition);
			const here = ["select", "approve", "collect"].includes(cell.definition.action.kind);
			const { agentIds, rejected } = here ? { agentIds: ["coordinator"], rejected: [] } : place(request, candidates);
			return {
				key: cell.key,
				matrix: cell.matrix,
				needs: cell.definition.needs,
				resources: request.resources,
				agent: agentIds[0] ?? null,
				agents: [...agentIds],
				rejected: rejected.map(({ agentId: agent, reason }) => ({ agent, reason })),
			};
		}),
	};
};
