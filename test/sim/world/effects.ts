/** Carries out what the core decided: on NATS, and for code with a shell that takes its time to compare. */

import type { Effect } from "#coordinator/core/inputs.ts";
import { assertNever } from "#shared/assert-never.ts";
import type { AgentId } from "#shared/ids.ts";
import { subjects } from "#shared/subjects.ts";
import { controlCodec, desiredServingCodec, heartbeatReplyCodec, taskCodec } from "#shared/wire/codec.ts";
import { readsSame } from "./code.ts";
import type { SimCoordinator } from "./coordinator.ts";
import { throughBytes, throughSomeBytes } from "./network.ts";

export const carryOut = (leader: SimCoordinator, effect: Effect): void => {
	const { world, line } = leader;
	const { nats, random } = world;
	const agent = (id: AgentId | string) => world.agents.find((each) => each.id === id);
	switch (effect.kind) {
		case "sendTask": {
			const task = throughBytes(taskCodec, effect.task);
			return nats.publish(line, subjects.task(effect.agentId), effect.sendId, task);
		}
		case "sendControl": {
			const control = throughSomeBytes(nats, controlCodec, effect.control);
			return nats.send(line, () => agent(effect.agentId)?.control(control));
		}
		case "putServing":
			return nats.put(line, `serving.${effect.agentId}`, throughSomeBytes(nats, desiredServingCodec, effect.desired));
		case "replyHeartbeat": {
			const reply = throughSomeBytes(nats, heartbeatReplyCodec, effect.reply);
			const [id = "", session = ""] = effect.replyTo.split("/");
			return nats.send(line, () => agent(id)?.heartbeatReplied(session, reply));
		}
		case "forgetAgent":
			if (leader.state.agents.get(effect.agentId)?.online) return;
			return nats.remove(line, `advert.${effect.agentId}`);
		case "compareCode": {
			const { runId, stepKey, code, candidates } = effect;
			const found = candidates.findIndex(({ use }) => readsSame(code.digest, use));
			// The shell can't always tell.
			const match = found < 0 || random.next() < 0.1 ? null : found;
			return leader.later(random.below(3_000), () =>
				leader.take({ kind: "codeCompared", runId, stepKey, match, differing: [] }),
			);
		}
		default:
			return assertNever(effect);
	}
};
