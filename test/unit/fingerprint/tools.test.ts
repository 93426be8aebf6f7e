/** Tools that hang, fail or babble cost their own part of the fingerprint, and no more. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { engineProbes } from "#agent/fingerprint/engines.ts";
import { firstFingerprint } from "#agent/fingerprint/fingerprint.ts";
import { look, type Probe } from "#agent/fingerprint/probe.ts";
import { runtimeProbes } from "#agent/fingerprint/runtimes.ts";
import { askTool } from "#agent/fingerprint/tool.ts";
import { processStart } from "#shared/process.ts";
import { fakeTools } from "#test/support/fake-tools.ts";

const probeOf = (probes: readonly Probe[], name: string): Probe => {
	const found = probes.find((probe) => probe.name === name);
	if (!found) throw new Error(`no probe ${name}`);
	return found;
};

describe("a tool", () => {
	test("that hangs is killed with all it started", async () => {
		const folder = fakeTools({ hanging: 'echo $$ >"$1"; sleep 1000 & echo $! >>"$1"; wait' });
		const pids = join(folder, "pids");
		await expect(askTool("hanging", [pids], 1_500)).rejects.toThrow("hanging gave no answer in 1.5 s");
		for (const pid of readFileSync(pids, "utf8").trim().split("\n").map(Number)) {
			while (processStart(pid) !== null) await delay(5);
		}
	});

	test("that leaves something behind which holds its output open has answered all the same", async () => {
		const folder = fakeTools({ parent: 'sleep 1000 & echo $! >"$1"; echo 1.2.3' });
		const pid = join(folder, "pid");
		expect(await askTool("parent", [pid])).toBe("1.2.3\n");
		process.kill(Number(readFileSync(pid, "utf8")), "SIGKILL");
	});

	test("that says ten megabytes is ended", async () => {
		fakeTools({ babbling: "head -c 10000000 /dev/zero; sleep 1000" });
		await expect(askTool("babbling", [])).rejects.toThrow("babbling said more than 1024 KiB");
	});

	test("that fails says why, by what it complained of, said, or its end", async () => {
		fakeTools({
			complaining: "echo answer; echo 'no driver' >&2; exit 9",
			saying: "echo 'NVML: not found'; exit 9",
			silent: "exit 9",
			killed: "kill -9 $$",
		});
		await expect(askTool("complaining", [])).rejects.toThrow("complaining failed: no driver");
		await expect(askTool("saying", [])).rejects.toThrow("saying failed: NVML: not found");
		await expect(askTool("silent", [])).rejects.toThrow("silent failed: exit code 9");
		await expect(askTool("killed", [])).rejects.toThrow("killed failed: SIGKILL");
	});

	test("that is missing is no problem, one that may not be run is", async () => {
		expect(await askTool("no-such-tool-here", [])).toBeNull();
		await expect(askTool("/", [])).rejects.toThrow(/can't be started/);
	});
});

describe("a probe", () => {
	const known = { ...firstFingerprint(), runtimes: { node: "v24", docker: "27.0.1", python: "3.9.1" } };

	test("of a tool finds its version, and a tool that has gone is gone", async () => {
		fakeTools({ uv: "echo 'uv 0.13.9 (x86_64-unknown-linux-gnu)'" });
		const found = (await look(probeOf(runtimeProbes, "uv")))(known);
		expect(found.runtimes).toEqual({ ...known.runtimes, uv: "0.13.9" });
		process.env.PATH = "/no/such/folder";
		expect((await look(probeOf(runtimeProbes, "uv")))(found)).toEqual(known);
	});

	test("of a tool that talks nonsense or fails is named in problems, with what was known kept", async () => {
		fakeTools({ python3: "echo I am a teapot", micromamba: "exit 1" });
		const found = (await look(probeOf(runtimeProbes, "python")))(known);
		expect(found.runtimes.python).toBe("3.9.1");
		expect(found.problems.python).toBe("python3 names no version: I am a teapot");
		const mended = (await look({ name: "python", find: async () => ({ runtimes: { python: "3.12.1" } }) }))(found);
		expect(mended).toMatchObject({ runtimes: { python: "3.12.1" }, problems: {} });
		expect((await look(probeOf(runtimeProbes, "micromamba")))(known).problems).toEqual({
			micromamba: "micromamba failed: exit code 1",
		});
	});

	test("of an engine tells one that answers, and of one that does not only that its client is there", async () => {
		const folder = fakeTools({
			docker: `[ -e "$(dirname "$0")/down" ] && { echo; echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1; }; echo 28.2.2`,
			podman: "echo",
		});
		const up = (await look(probeOf(engineProbes, "docker")))(known);
		expect(up).toMatchObject({ runtimes: { docker: "28.2.2" }, problems: {} });
		writeFileSync(join(folder, "down"), "");
		const down = (await look(probeOf(engineProbes, "docker")))(up);
		expect(down.runtimes).not.toHaveProperty("docker");
		expect(down.problems.docker).toMatch(/^the client is there but the engine can't be used: .*Cannot connect/);
		expect((await look(probeOf(engineProbes, "podman")))(known).problems.podman).toMatch(/no version of its engine/);
	});

	test("that never answers is given up, and not asked again before it has", async () => {
		let release = (): void => undefined;
		let asked = 0;
		const stuck: Probe = {
			name: "stuck",
			timeoutMs: -499,
			find: () => {
				asked++;
				return new Promise((resolve) => {
					release = () => resolve({ kernel: "late" });
				});
			},
		};
		expect((await look(stuck))(known).problems.stuck).toMatch(/^no answer in/);
		expect((await look(stuck))(known).problems.stuck).toBe("hangs since it was asked before");
		expect(asked).toBe(1);
		release();
		await delay(0);
		expect((await look({ ...stuck, find: async () => ({}) }))(known).problems).toEqual({});
	});
});
