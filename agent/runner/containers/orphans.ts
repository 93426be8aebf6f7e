/**
 * Containers of this agent that no attempt wants any more: their attempt ended while the engine did not answer, or its
 * folder is gone. Looked for when the agent starts, and again while some could not be removed.
 */

import type { AttemptId } from "#shared/ids.ts";
import { type Client, call } from "./client.ts";
import { removeContainer } from "./state.ts";

export const AGENT_LABEL = "runmesh.agent";
export const ATTEMPT_LABEL = "runmesh.attempt";
/** Tells apart two agents of the same name, of two meshes on one host. */
export const FOLDER_LABEL = "runmesh.folder";

export interface Orphans {
	/** Looks at once, and again until none is left that should not be. */
	sweep(client: Client): void;
	sweepSoon(client: Client): void;
	close(): void;
}

const SOON_MS = 3_000;
const AGAIN_MS = 30_000;

export const createOrphans = (
	labels: Readonly<Record<string, string>>,
	isWanted: (attemptId: AttemptId) => boolean,
	warn: (message: string, error: unknown) => void,
): Orphans => {
	let timer: NodeJS.Timeout | null = null;
	let closed = false;
	let told = false;

	const look = async (client: Client): Promise<void> => {
		const filters = Object.entries(labels).flatMap(([name, value]) => ["--filter", `label=${name}=${value}`]);
		const format = `{{.ID}} {{.Label "${ATTEMPT_LABEL}"}}`;
		const listed = await call(client, ["ps", "--all", "--no-trunc", ...filters, "--format", format]);
		for (const line of listed.split("\n")) {
			const [id = "", attemptId = ""] = line.split(" ");
			if (id === "" || isWanted(attemptId as AttemptId)) continue;
			await removeContainer(client, id);
			warn(`a container of ${attemptId}, which is over, was removed`, null);
		}
	};

	const sweep = async (client: Client): Promise<void> => {
		if (timer) clearTimeout(timer);
		timer = null;
		try {
			await look(client);
		} catch (error) {
			if (!told) warn("containers that an attempt may have left can't be looked for; tried again", error);
			told = true;
			sweepIn(AGAIN_MS, client);
		}
	};
	const sweepIn = (waitMs: number, client: Client): void => {
		if (!closed) timer ??= setTimeout(() => void sweep(client), waitMs);
	};

	return {
		sweep: (client) => void sweep(client),
		sweepSoon: (client) => sweepIn(SOON_MS, client),
		close: () => {
			closed = true;
			if (timer) clearTimeout(timer);
		},
	};
};
