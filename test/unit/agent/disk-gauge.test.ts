/** What the heartbeat says of the disk never keeps it waiting. */

import { expect, test } from "vitest";
import { diskGauge } from "#agent/fingerprint/disk.ts";

test("a disk that hangs: what it said last is told, and it is asked once", async () => {
	const answers = [Promise.resolve(7), new Promise<number>(() => undefined)];
	let asked = 0;
	const gauge = diskGauge("/anywhere", () => answers[asked++] as Promise<number>);
	expect(await gauge()).toBe(7);
	expect(await gauge()).toBe(7);
	expect(await gauge()).toBe(7);
	expect(asked).toBe(2);
});

test("a disk that fails, such as one that was taken away, keeps no heartbeat back", async () => {
	const gauge = diskGauge("/anywhere", () => Promise.reject(new Error("EIO")));
	expect(await gauge()).toBe(0);
});
