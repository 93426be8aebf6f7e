/** While `up` starts the coordinator again, what nobody heard is asked once more; anything else is told at once. */

import { expect, test } from "vitest";
import { overRestart } from "#cli/lib/restart.ts";
import { RunmeshError } from "#shared/errors.ts";

const failing = (code: string): RunmeshError =>
	new RunmeshError("RM_UNAVAILABLE", "no coordinator answers", { cause: Object.assign(new Error(code), { code }) });

const asking = (...errors: RunmeshError[]) => {
	const left = [...errors];
	return {
		left,
		ask: async () => {
			const error = left.shift();
			if (error) throw error;
			return "answer";
		},
	};
};

test("a coordinator that is being started is asked until it hears", async () => {
	const { ask } = asking(failing("ECONNREFUSED"), failing("ECONNREFUSED"));
	expect(await overRestart(ask, () => true)).toBe("answer");
});

test("where nobody starts one, the first refusal counts", async () => {
	const { ask, left } = asking(failing("ECONNREFUSED"), failing("ECONNREFUSED"));
	await expect(overRestart(ask, () => false)).rejects.toThrow("no coordinator answers");
	expect(left).toHaveLength(1);
});

test("what may have been heard is not asked again", async () => {
	const { ask, left } = asking(failing("ECONNRESET"), failing("ECONNREFUSED"));
	await expect(overRestart(ask, () => true)).rejects.toThrow("no coordinator answers");
	expect(left).toHaveLength(1);
});

test("who leaves meanwhile is not kept", async () => {
	const leaving = new AbortController();
	leaving.abort();
	const { ask } = asking(failing("ECONNREFUSED"));
	await expect(overRestart(ask, () => true, leaving.signal)).rejects.toThrow("no coordinator answers");
});
