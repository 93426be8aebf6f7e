/**
 * The journal's events as server-sent events: out of the store from where the client stands, then as they come. A
 * client that stands before the oldest event kept goes on with that one.
 */

import { z } from "zod";
import type { EventView } from "#shared/api.ts";
import { endOfBatch, isEventId } from "../store/journal-events.ts";
import { createCommitWatch } from "./commit-watch.ts";
import type { HttpDeps } from "./deps.ts";
import { sendLive } from "./live-stream.ts";
import { type Api, runRefSchema } from "./validation.ts";

const PAGE = 200;

const headersSchema = z.looseObject({
	"last-event-id": z.string().refine(isEventId, { error: "expected <sequence>.<index>" }).optional(),
});

export const eventRoutes = (app: Api, deps: HttpDeps): void => {
	const { store, committed } = deps;
	app.get(
		"/events",
		{
			schema: { querystring: z.strictObject({ run: runRefSchema.optional() }), headers: headersSchema },
			config: { summary: "Server-sent events: a run's from its start, the mesh's from now, or behind Last-Event-ID" },
		},
		async ({ query, headers }, reply) => {
			const run = query.run === undefined ? null : store.resolveRun(query.run);
			let cursor = headers["last-event-id"] ?? (run === null ? endOfBatch(store.sequence()) : null);
			return sendLive(reply, { type: "text/event-stream", idle: ":\n\n" }, async (write, signal) => {
				const watch = createCommitWatch(committed, signal);
				try {
					do {
						for (let page = PAGE; page === PAGE && !signal.aborted; ) {
							const events = store.events(run, cursor, PAGE);
							page = events.length;
							cursor = events.at(-1)?.id ?? cursor;
							await write(events.map(messageOf).join(""));
						}
					} while (await watch.next());
				} finally {
					watch.stop();
				}
			});
		},
	);
};

const messageOf = (event: EventView): string => `id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
