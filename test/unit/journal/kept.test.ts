import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { momentsOf, readKeptJournal } from "#test/support/kept-journal.ts";

const folder = join(import.meta.dirname, "../../journals");

test.each(readdirSync(folder))("the journal %s comes to what the release that wrote it made of it", (name) => {
	const { messages, moments } = readKeptJournal(join(folder, name));
	expect(moments.at(-1)?.messages).toBe(messages.length);
	const counts = moments.map((moment) => moment.messages);
	expect(JSON.parse(JSON.stringify(momentsOf(messages, counts)))).toMatchObject(moments);
});
