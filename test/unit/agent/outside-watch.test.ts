/** What others use is looked at again where it could not be told once. */

import { expect, test, vi } from "vitest";
import type { MachineUse } from "#agent/outside/machine.ts";
import { type OutsideOptions, watchOutside } from "#agent/outside/watch.ts";

const use: MachineUse = { busyCpuSeconds: 0, cores: 4, usedMemoryBytes: 1024 ** 3, memoryBytes: 8 * 1024 ** 3 };
const answers: (() => MachineUse)[] = [];
vi.mock("#agent/outside/machine.ts", async (original) => ({
	...(await original<object>()),
	readMachine: async () => answers.shift()?.() ?? use,
}));

test.runIf(process.platform === "linux")("a look that fails offers all, once and until the next", async () => {
	vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
	answers.push(
		() => use,
		() => {
			throw new Error("EMFILE");
		},
	);
	const told: (number | null)[] = [];
	const warn = vi.fn();
	const options: OutsideOptions = {
		...{ isHere: () => false, claimed: () => 0, clock: { nowMs: () => performance.now() }, warn },
		onLook: (others) => told.push(others?.totalCpuMillis ?? null),
	};
	const watch = watchOutside(options);
	for (let looks = 1; looks <= 3; looks++) {
		await vi.waitUntil(() => told.length === looks);
		vi.advanceTimersByTime(10_000);
	}
	watch.close();
	vi.useRealTimers();
	expect(told.slice(0, 3)).toEqual([4_000, null, 4_000]);
	expect(warn).toHaveBeenCalledTimes(1);
});
