/** `up` in the foreground: starts a mesh, says so, and stays until a signal stops it. */

import type { Home } from "#shared/home.ts";
import type { MeshOptions } from "./options.ts";
import { describeEvent, type MeshSummary, summarize } from "./summary.ts";
import { startMesh } from "./up.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Announcer {
	ready(summary: MeshSummary): void;
	/** One line, or a few with the first as the headline. */
	news(text: string): void;
}

/** Resolves when the mesh is stopped. A second signal ends everything at once. */
export const runForeground = async (
	request: Partial<MeshOptions> & { home: Home },
	announce: Announcer,
	stopEarly?: AbortSignal,
): Promise<void> => {
	const startedAt = performance.now();
	const stopping = new AbortController();
	const stopAsked = new Promise<void>((resolve) => stopping.signal.addEventListener("abort", () => resolve()));
	const onSignal = (): void => {
		if (stopping.signal.aborted) process.exit(130);
		stopping.abort();
	};
	for (const name of signals) process.on(name, onSignal);
	stopEarly?.addEventListener("abort", () => stopping.abort());
	try {
		const mesh = await startMesh({
			...request,
			signal: stopping.signal,
			onEvent: (event) => {
				const text = describeEvent(event);
				if (text !== null && !stopping.signal.aborted) announce.news(text);
			},
		});
		announce.ready(summarize(mesh, performance.now() - startedAt));
		await stopAsked;
		announce.news("stopping; once more to stop at once");
		await mesh.stop();
		announce.news("stopped");
	} finally {
		for (const name of signals) process.off(name, onSignal);
	}
};
