/** Supervisors that can't be started, or are gone when they are heard. */

import { EventEmitter } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSupervisors } from "#agent/runner/processes/supervisors.ts";
import type { AttemptId } from "#shared/ids.ts";

let spawned: () => EventEmitter;
vi.mock("node:child_process", async (original) => ({
	...(await original<typeof import("node:child_process")>()),
	spawn: () => spawned(),
}));

const nothing = (): void => undefined;

const launchAll = (count: number) => {
	const failed: string[] = [];
	const told: string[] = [];
	const supervisors = createSupervisors("/nowhere", {}, null, {
		onTold: (id) => told.push(id) > 0,
		onFailed: (id) => failed.push(id),
		...{ onStarted: nothing, onEnded: nothing, onVanished: nothing },
	});
	onTestFinished(supervisors.close);
	const ids = Array.from({ length: count }, (_, index) => `r.s.${index}` as AttemptId);
	for (const id of ids) supervisors.launch(id);
	return { ids, failed, told };
};

test("none can be started: everybody who waits for one hears of it", async () => {
	spawned = () => {
		const child = new EventEmitter();
		setImmediate(() => child.emit("error", new Error("EAGAIN")));
		return child;
	};
	const { ids, failed } = launchAll(20);
	await expect.poll(() => failed).toEqual(ids);
});

test("no memory is left: that is no end of the agent", async () => {
	spawned = () => {
		throw new Error("ENOMEM");
	};
	const { ids, failed } = launchAll(20);
	await expect.poll(() => failed).toEqual(ids);
});

test("what one said before it was gone is no reason to wait for it", async () => {
	spawned = () => {
		const child = new EventEmitter();
		const stdout = Object.assign(new EventEmitter(), { setEncoding: () => stdout });
		Object.assign(child, { stdout, stdin: null, unref: nothing, kill: nothing });
		setImmediate(() => {
			child.emit("exit", null, "SIGKILL");
			stdout.emit("data", "ready - 1234567\n");
		});
		return child;
	};
	const { ids, failed, told } = launchAll(1);
	await expect.poll(() => failed).toEqual(ids);
	expect(told).toEqual([]);
});
