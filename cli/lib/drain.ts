/** Waits until a draining agent has nothing left, telling what it still has. */

import type { AgentView } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { formatDuration, plural } from "../output/format.ts";
import type { ApiClient } from "./client.ts";
import { type Patience, pause, persist } from "./resume.ts";

export interface DrainOptions {
	timeoutMs: number;
	/** Ends the waiting; the agent goes on draining. */
	signal: AbortSignal;
	/** Told whenever what is left has changed, and of trouble on the way. */
	note(text: string): void;
	patience?: Patience;
	lookEveryMs?: number;
}

const LOOK_EVERY_MS = 1_000;

/** The agent as it is then; null when the signal ended it before. */
export const waitDrained = async (
	client: Pick<ApiClient, "agent">,
	draining: AgentView,
	{ timeoutMs, signal, note, patience, lookEveryMs = LOOK_EVERY_MS }: DrainOptions,
): Promise<AgentView | null> => {
	const { id } = draining;
	const endMs = Date.now() + timeoutMs;
	const onTrouble = ({ message }: RunmeshError): void => note(`${message}; trying again`);
	/** One that has left is not known any more. */
	const look = (): Promise<AgentView> =>
		client.agent(id).catch((error: unknown) => {
			if (!(error instanceof RunmeshError && error.code === "RM_NOT_FOUND")) throw error;
			return { ...draining, state: "lost", attempts: [], replicas: [] };
		});
	let told = "";
	while (!signal.aborted) {
		const agent = await persist(look, { signal, patience, onTrouble });
		if (isOver(agent)) return agent;
		if (agent.cordon === null) {
			throw new RunmeshError("RM_CONFLICT", `${id} drains no more: it was opened again meanwhile`);
		}
		const left = whatIsLeft(agent);
		if (left !== told) note(`${id} still ${left}`);
		told = left;
		if (Date.now() >= endMs) throw tooLate(id, left, timeoutMs);
		await pause(Math.min(lookEveryMs, Math.max(0, endMs - Date.now())), signal);
	}
	return null;
};

/** One that is lost has nothing that it could still end. */
const isOver = ({ state, cordon, attempts }: AgentView): boolean =>
	state === "drained" || (state === "lost" && cordon !== null && attempts.length === 0);

const SHOWN = 3;

const whatIsLeft = ({ attempts, replicas }: AgentView): string => {
	if (attempts.length > 0) {
		const shown = attempts.slice(0, SHOWN).join(", ");
		const more = attempts.length > SHOWN ? ` and ${attempts.length - SHOWN} more` : "";
		return `runs ${plural(attempts.length, "attempt")}: ${shown}${more}`;
	}
	const names = replicas.map(({ deployment }) => deployment).join(", ");
	return `serves ${names || "models"} until others do`;
};

const tooLate = (id: string, left: string, timeoutMs: number): RunmeshError =>
	new RunmeshError("RM_UNAVAILABLE", `${id} still ${left} after ${formatDuration(timeoutMs)}; it goes on draining`, {
		hint: `\`runmesh runs cancel\` ends what takes too long, \`runmesh agents uncordon ${id}\` calls it off`,
	});
