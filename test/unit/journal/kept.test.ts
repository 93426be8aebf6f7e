import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { restoreState } from "#coordinator/core/snapshot.ts";
import { liveView, momentsOf, readKeptJournal, replay } from "#test/support/kept-journal.ts";

const folder = join(import.meta.dirname, "../../journals");

/** As it comes back from a file. */
const asKept = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test.each(readdirSync(folder))("the journal %s comes to what the release that wrote it made of it", (name) => {
	const { messages, moments, snapshot } = readKeptJournal(join(folder, name));
	expect(moments.at(-1)?.messages).toBe(messages.length);
	const counts = moments.map((moment) => moment.messages);
	expect(asKept(momentsOf(messages, counts))).toMatchObject(moments);
	if (!snapshot) return;
	const restored = replay(messages.slice(snapshot.messages), restoreState(snapshot.texts));
	expect(asKept(liveView(restored))).toMatchObject(moments.at(-1)?.live ?? {});
});
