/** How an attempt in a container ended, from the client's exit and the container's state. */

import { describe, expect, test } from "vitest";
import { NO_USAGE } from "#agent/runner/containers/cgroup-usage.ts";
import type { ContainerEnd, ContainerRecord } from "#agent/runner/containers/record.ts";
import type { ContainerState } from "#agent/runner/containers/state.ts";
import { exitOfContainer } from "#agent/runner/containers/verdict.ts";

const record: ContainerRecord = {
	...{ client: { program: "docker", env: {} }, engine: "docker", name: "runmesh-x", image: "torch:2" },
	...{ imageId: "sha256:beef", program: "/bin/sh", limits: [], memoryBytes: 64 * 1024 ** 2, setupBytes: 0 },
};
const ended: ContainerState = {
	...{ running: false, paused: false, started: true, exitCode: 0, outOfMemory: false, error: "", pid: 0 },
};

const verdict = (exitCode: number | null, state: Partial<ContainerState> | null, more: Partial<ContainerEnd> = {}) => {
	const exit = { exitCode, signal: "", vanished: exitCode === null ? "killed from outside" : "", atMs: 1 };
	const found = state && { ...ended, ...state };
	const nothing = { unreachable: false, programMissing: false, usage: NO_USAGE };
	return exitOfContainer(exit, { ...nothing, ...more, state: found }, record);
};

describe("the step's own end", () => {
	test.each([0, 1, 3, 125, 126, 127, 137])("with exit code %i is told as it is", (code) => {
		expect(verdict(code, { exitCode: code })).toEqual({ exitCode: code, signal: "", vanished: "", atMs: 1 });
	});

	test("for the lack of memory is named", () => {
		expect(verdict(137, { exitCode: 137, outOfMemory: true }).why).toEqual({
			...{ cause: "oom", message: "out of memory: killed at its limit of 64Mi" },
		});
	});

	test("that the engine does not tell of, its control group does", () => {
		expect(verdict(137, { exitCode: 137 }, { usage: { ...NO_USAGE, memoryKills: 1 } }).why?.cause).toBe("oom");
	});

	test("in spite of a child that was killed for memory counts", () => {
		expect(verdict(0, { exitCode: 0, outOfMemory: true }).why).toBeUndefined();
	});

	test("for want of a shell in the image is named", () => {
		const { why } = verdict(127, { exitCode: 127 }, { programMissing: true });
		expect(why).toEqual({ cause: "launch", message: "the image torch:2 has no /bin/sh" });
	});
});

describe("not the step's doing", () => {
	test("the engine could not make or start it", () => {
		expect(verdict(125, null).why?.cause).toBe("setup");
		expect(verdict(125, { started: false, exitCode: 128 }).why?.cause).toBe("setup");
		expect(verdict(127, { started: false, exitCode: 127 }).why).toMatchObject({ cause: "launch" });
	});

	test.each([
		["its client was killed", 137, { running: true }, {}, /client was killed from outside/],
		["its client was killed, and it ended by itself", 137, { exitCode: 0 }, {}, /client was killed from outside/],
		["its supervisor was killed", null, { exitCode: 0 }, {}, /killed from outside/],
		["the engine was stopped", 125, { exitCode: 143 }, {}, /docker was stopped/],
		["the engine is gone", 1, null, { unreachable: true }, /does not answer any more/],
		["it was removed", 137, null, {}, /removed from outside/],
	])("%s: lost", (_, code, state, more, why) => {
		expect(verdict(code, state, more)).toMatchObject({ exitCode: null, vanished: expect.stringMatching(why) });
	});
});
