import { expect, test } from "vitest";
import { restartDelays, usualBackoff } from "#cli/up/backoff.ts";

test("each death doubles the wait, up to the longest", () => {
	const delays = restartDelays(usualBackoff);
	const waits = Array.from({ length: 8 }, () => delays.next(0));
	expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
});

test("a healthy time earns a quick restart again", () => {
	const delays = restartDelays(usualBackoff);
	for (let deaths = 0; deaths < 6; deaths++) delays.next(0);
	expect(delays.next(usualBackoff.healthyMs)).toBe(100);
	expect(delays.next(usualBackoff.healthyMs - 1)).toBe(200);
});
