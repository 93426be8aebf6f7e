/** Those who look after machines: they cordon, drain and open agents, forget the lost, and hand out join tokens. */

import type { Input } from "#coordinator/core/inputs.ts";
import { mayForget } from "#coordinator/core/modes.ts";
import type { MeshState } from "#coordinator/core/state.ts";
import { hasUsed } from "#coordinator/core/tokens.ts";
import type { AgentMode } from "#shared/domain.ts";
import type { SimAgent } from "./agent.ts";
import { demand } from "./seen.ts";
import type { World } from "./world.ts";

const ASK_AGAIN_MS = 8_000;

interface Question {
	input: Input;
	what: string;
	/** What the API does not hand on is answered with a refusal. */
	mayAsk(state: MeshState): boolean;
	isKept(): boolean;
	/** It may have been so before, or about an agent that was forgotten just then: nothing is promised. */
	mayBeIdle?: boolean;
	/** It is so, whoever did it. A leader that was deposed and does not know it may say so of what it knew last. */
	isSo?(): boolean;
	/** It is not asked any more once all is healed. */
	isMischief: boolean;
}

export class Keepers {
	readonly #world: World;
	readonly #promises: { what: string; isKept(): boolean }[] = [];
	unanswered = 0;
	#count = 0;

	constructor(world: World) {
		this.#world = world;
		if (world.random.next() < 0.5) this.#meddleLoop();
	}

	checkPromises(): void {
		for (const { what, isKept } of this.#promises) demand(isKept(), () => `acknowledged and lost: ${what}`);
	}

	/** When all is healed every agent takes work again. */
	openAll(): void {
		for (const agent of this.#world.agents) this.#setMode(agent, "open", false);
	}

	#meddleLoop(): void {
		const { schedule, random } = this.#world;
		schedule.after(1_000 + random.below(25_000), () => {
			if (this.#world.isHealed) return;
			this.#meddle();
			this.#meddleLoop();
		});
	}

	#meddle(): void {
		const { random, agents } = this.#world;
		const agent = agents[random.below(agents.length)] as SimAgent;
		switch (random.below(6)) {
			case 0:
				return this.#setMode(agent, "cordoned", false);
			case 1:
				return this.#setMode(agent, "draining", random.next() < 0.5);
			case 2:
			case 3:
				return this.#setMode(agent, "open", false);
			case 4:
				// Nobody forgets a machine that is there.
				return agent.alive && !agent.partitioned ? undefined : this.#forget(agent);
			default:
				return this.#issueToken();
		}
	}

	#setMode({ id }: SimAgent, mode: AgentMode, leave: boolean): void {
		const reason = `m${this.#count++}`;
		const { isHealed } = this.#world;
		this.#ask({
			input: { kind: "setAgentMode", agentId: id, mode, reason, by: "keeper", leave },
			what: `${mode} of ${id} (${reason})`,
			mayAsk: ({ agents }) => agents.has(id),
			isKept: () => this.#world.view().modesSaid.has(reason),
			mayBeIdle: true,
			isSo: () => (this.#world.view().modes.get(id)?.mode ?? "open") === mode,
			isMischief: !isHealed,
		});
	}

	#forget({ id }: SimAgent): void {
		this.#ask({
			input: { kind: "forgetAgent", agentId: id, by: "keeper" },
			what: `that ${id} is forgotten`,
			mayAsk: ({ agents }) => agents.has(id) && mayForget(agents.get(id) as never),
			// It may be back.
			isKept: () => true,
			isMischief: true,
		});
	}

	/** Machines come with it at once, more than may. */
	#issueToken(): void {
		const { random, schedule } = this.#world;
		const tokenId = `t${this.#count++}`;
		const ttlMs = 1_000 + random.below(60_000);
		this.#ask({
			input: { kind: "issueJoinToken", tokenId, secretHash: tokenId, ttlMs, uses: 1 + random.below(3), by: "keeper" },
			what: `join token ${tokenId}`,
			// Another try is another token.
			mayAsk: () => !this.#world.view().tokens.has(tokenId),
			isKept: () => this.#world.view().tokens.has(tokenId),
			isMischief: true,
		});
		for (let machine = 0; machine < 5; machine++)
			schedule.after(random.below(ttlMs + 5_000), () => this.#join(tokenId, `machine-${machine}`));
		if (random.next() < 0.3) schedule.after(random.below(ttlMs), () => this.#revoke(tokenId));
	}

	#join(tokenId: string, host: string): void {
		const { leader } = this.#world;
		const useId = `u${this.#count++}`;
		leader?.take({ kind: "useJoinToken", tokenId, useId, host }, () => {
			if (!hasUsed(leader.state.joinTokens.get(tokenId), useId)) return;
			this.#promise(`${host} joined with ${tokenId}`, () => this.#world.view().tokenUses.has(useId));
		});
	}

	#revoke(tokenId: string): void {
		const { leader } = this.#world;
		leader?.take({ kind: "revokeJoinToken", tokenId, by: "keeper" });
	}

	#promise(what: string, isKept: () => boolean): void {
		demand(isKept() || this.#world.isCut(), () => `acknowledged before it is so: ${what}`);
		this.#promises.push({ what, isKept });
	}

	/** The same question until somebody who leads has answered it. */
	#ask({ input, what, mayAsk, isKept, mayBeIdle = false, isSo = () => true, isMischief }: Question): void {
		let answered = false;
		if (!isMischief) this.unanswered += 1;
		const end = (): void => {
			if (!answered && !isMischief) this.unanswered -= 1;
			answered = true;
		};
		const ask = (): void => {
			const { coordinators, random, isHealed, schedule } = this.#world;
			if (answered || (isMischief && isHealed)) return;
			const leaders = coordinators.filter(({ leads }) => leads);
			const leader = leaders[random.below(leaders.length)];
			// Who sees that it is not so asks again.
			const refused = leader && !mayAsk(leader.state);
			if (refused && isSo()) return end();
			if (!refused)
				leader?.take(input, () => {
					if (!answered && (isKept() || !mayBeIdle)) this.#promise(what, isKept);
					if (isKept() || isSo()) end();
				});
			schedule.after(ASK_AGAIN_MS, ask);
		};
		ask();
	}
}
