import { expect, test } from "vitest";
import { createGuessLimit } from "#coordinator/http/guess-limit.ts";

test("an address that guessed wrong too often waits a minute; others don't", () => {
	let nowMs = 0;
	const guesses = createGuessLimit(() => nowMs);
	for (let count = 0; count < 10; count++) {
		guesses.check("10.0.0.1");
		guesses.failed("10.0.0.1");
	}
	expect(() => guesses.check("10.0.0.1")).toThrow("10 wrong tokens came from 10.0.0.1 within a minute");
	guesses.check("10.0.0.2");
	nowMs = 60_000;
	guesses.check("10.0.0.1");
});

test("it remembers no more than so many addresses", () => {
	const guesses = createGuessLimit(() => 0);
	for (let count = 0; count < 10; count++) guesses.failed("first");
	for (let address = 0; address < 10_000; address++) guesses.failed(`10.${address}`);
	guesses.check("first");
});
