import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { MeshEvent } from "#cli/up/options.ts";
import { reviver } from "#cli/up/revive.ts";

test("a nats-server that stores nothing is started again, and then left in peace for a while", () => {
	let restarts = 0;
	const events: MeshEvent[] = [];
	const nats = { name: "nats-server", restart: () => void restarts++ };
	const hear = reviver(
		tmpdir(),
		() => nats,
		(event) => events.push(event),
	);
	for (const message of [{ ready: true }, "stuck", null]) hear(message);
	expect(restarts).toBe(0);
	hear({ stuck: "TIMEOUT" });
	hear({ stuck: "TIMEOUT" });
	expect(restarts).toBe(1);
	expect(events).toEqual([{ kind: "restarting", name: "nats-server", why: "it stores nothing (TIMEOUT)" }]);
});

test("a NATS of others is left to them", () => {
	const events: MeshEvent[] = [];
	reviver(
		tmpdir(),
		() => null,
		(event) => events.push(event),
	)({ stuck: "TIMEOUT" });
	expect(events).toEqual([]);
});
