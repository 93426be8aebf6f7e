import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JournalEvent } from "#coordinator/core/events.ts";
import type { EventView } from "#shared/api.ts";
import { startTestApi, type TestApi } from "#test/support/http-api.ts";
import { createStory, pipelineOf, type Story, stepOf } from "#test/support/journal-story.ts";

const CELLS = 200;
const wide = pipelineOf("wide", [stepOf("s", { matrix: { i: Array.from({ length: CELLS }, (_, index) => index) } })]);

let api: TestApi;
let story: Story;
beforeEach(async () => {
	api = await startTestApi();
	story = createStory("r1");
});
afterEach(() => api.close());

/** Server-sent events of one connection, each with the id that its line says. */
async function* listen(query: string, lastEventId: string | null, signal?: AbortSignal): AsyncGenerator<EventView> {
	const response = await api.call(`/events${query}`, {
		headers: lastEventId === null ? {} : { "last-event-id": lastEventId },
		...(signal ? { signal } : {}),
	});
	expect(response.status).toBe(200);
	expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
	let text = "";
	if (!response.body) throw new Error("no body");
	for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
		text += chunk;
		for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
			const lines = text.slice(0, end).split("\n");
			text = text.slice(end + 2);
			const id = lines.find((line) => line.startsWith("id: "))?.slice(4);
			const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
			if (id === undefined || data === undefined) continue;
			const event = JSON.parse(data) as EventView;
			expect(event.id).toBe(id);
			yield event;
		}
	}
}

/** Commits a run's events in small batches, letting others run in between. */
const commitSlowly = async (events: JournalEvent[]): Promise<void> => {
	for (let at = 0; at < events.length; at += 7) {
		api.commit(...events.slice(at, at + 7));
		await new Promise((resolve) => setImmediate(resolve));
	}
};

const wholeRun = (): JournalEvent[] => [
	story.submitted(wide),
	...Array.from({ length: CELLS }, (_, index) => [...story.passed(`s.${index}`)]).flat(),
	story.finished("succeeded"),
];

describe("server-sent events", () => {
	it("replays a run from its start and goes on live, each event once and in order", async () => {
		const other = createStory("r2");
		const [head, ...rest] = wholeRun();
		if (!head) throw new Error("no events");
		api.commit(other.submitted(wide), head);
		const seen: EventView[] = [];
		const committing = sleep(0).then(() => commitSlowly(rest));
		for await (const event of listen("?run=r1", null)) {
			seen.push(event);
			if (event.kind === "runFinished") break;
		}
		await committing;
		expect(seen.map(({ id }) => id)).toEqual(api.store.events("r1", null, 10_000).map(({ id }) => id));
		expect(seen).toHaveLength(rest.length + 1);
		expect(seen.every(({ run }) => run === "r1")).toBe(true);
		expect(seen[1]).toMatchObject({ kind: "attemptLeased", step: "s.0", data: { agentId: "agent-1" } });
	});

	it("loses and doubles nothing over cuts and a restart of the server", async () => {
		const events = wholeRun();
		const [head, ...rest] = events;
		if (!head) throw new Error("no events");
		api.commit(head);
		const committing = commitSlowly(rest);
		const seen: string[] = [];
		let finished = false;
		for (let cut = 1; !finished; cut++) {
			const stop = new AbortController();
			let taken = 0;
			for await (const event of listen("?run=r1", seen.at(-1) ?? null, stop.signal)) {
				seen.push(event.id);
				finished = event.kind === "runFinished";
				if (finished || ++taken === cut * 23) break;
			}
			stop.abort();
			if (cut === 3) await api.restart();
		}
		await committing;
		expect(seen).toEqual(api.store.events(null, null, 10_000).map(({ id }) => id));
		expect(seen).toHaveLength(events.length);
	});

	it("begins at now for the whole mesh", async () => {
		api.commit(story.submitted(wide), ...story.passed("s.0"));
		const stream = listen("", null);
		const first = stream.next();
		// The connection stands once the server listens for commits.
		while (api.committed.listenerCount("committed") === 0) await sleep(5);
		api.commit({ kind: "leaderElected", atMs: 5, coordinatorId: "c", epoch: 2 }, story.leased("s.1"));
		expect((await first).value).toMatchObject({ id: "2.0", kind: "leaderElected", run: null, step: null });
		expect((await stream.next()).value).toMatchObject({ id: "2.1", kind: "attemptLeased" });
		await stream.return(undefined);
	});

	it("leaves nothing behind when clients hang up", async () => {
		api.commit(story.submitted(wide));
		const stops = Array.from({ length: 20 }, () => new AbortController());
		await Promise.all(stops.map(({ signal }) => listen("?run=r1", null, signal).next()));
		expect(api.committed.listenerCount("committed")).toBe(20);
		for (const stop of stops) stop.abort();
		while (api.committed.listenerCount("committed") > 0) await sleep(5);
	});

	it("holds only a buffer for a client that does not read", async () => {
		const big = "x".repeat(100_000);
		api.commit(story.submitted(pipelineOf("p", [stepOf("a")]), { paramsJson: "{}" }));
		const response = await api.call("/events?run=r1");
		let reads = 0;
		const { events } = api.store;
		api.store.events = (...args) => {
			reads++;
			return events(...args);
		};
		for (let index = 0; index < 400; index++) {
			api.commit({ ...story.retry("a", 10), reason: big });
			if (index % 20 === 0) await sleep(1);
		}
		// 40 MB are there; far less has been taken out of the store for it.
		const settled = reads;
		await sleep(50);
		expect(reads).toBe(settled);
		let bytes = 0;
		for await (const chunk of response.body ?? []) {
			bytes += chunk.length;
			if (bytes > 40_000_000) break;
		}
		expect(reads).toBeGreaterThan(settled);
	});

	it("refuses an id that is none", async () => {
		const response = await api.call("/events", { headers: { "last-event-id": "yesterday" } });
		expect(response.status).toBe(400);
		expect((await api.call("/events?run=nobody")).status).toBe(404);
	});
});
