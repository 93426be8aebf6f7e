import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { firstFingerprint } from "#agent/fingerprint/fingerprint.ts";
import type { Probe } from "#agent/fingerprint/probe.ts";
import { type Refresh, refreshRegularly } from "#agent/fingerprint/refresh.ts";
import type { Fingerprint } from "#shared/domain.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const MINUTE_MS = 60_000;

/** A host with 8 bytes of swap and a docker, both of which a test may change. */
const host = (): {
	refresh: Refresh;
	told: Fingerprint[];
	now: { swapBytes: number; docker: string };
	asked: string[];
} => {
	const now = { swapBytes: 8, docker: "28.2.2" };
	const asked: string[] = [];
	const memory: Probe = {
		name: "memory",
		find: async () => {
			asked.push("memory");
			return { swapBytes: now.swapBytes };
		},
	};
	const docker: Probe = {
		name: "docker",
		find: async () => {
			asked.push("docker");
			if (now.docker === "") throw new Error("no daemon");
			return { runtimes: { docker: now.docker } };
		},
	};
	let known = firstFingerprint();
	const told: Fingerprint[] = [];
	const refresh = refreshRegularly({
		known: () => known,
		onChange: (fingerprint) => {
			known = fingerprint;
			told.push(fingerprint);
		},
		eachMinute: [memory],
		rarely: [docker],
		random: () => 0.5,
	});
	return { refresh, told, now, asked };
};

test("looks each minute at one thing and every ten at another, and tells only what is new", async () => {
	const { refresh, told, now, asked } = host();
	await refresh.lookAt([]);
	expect(told).toEqual([]);
	await vi.advanceTimersByTimeAsync(MINUTE_MS);
	expect(told.map(({ swapBytes }) => swapBytes)).toEqual([8]);
	await vi.advanceTimersByTimeAsync(9 * MINUTE_MS);
	expect(asked.filter((name) => name === "memory")).toHaveLength(10);
	expect(asked.filter((name) => name === "docker")).toHaveLength(1);
	expect(told.map(({ runtimes }) => runtimes.docker)).toEqual([undefined, "28.2.2"]);
	now.docker = "";
	now.swapBytes = 9;
	await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
	expect(told.at(-1)).toMatchObject({ swapBytes: 9, problems: { docker: "no daemon" } });
	expect(told).toHaveLength(4);
	refresh.close();
	await vi.advanceTimersByTimeAsync(60 * MINUTE_MS);
	expect(told).toHaveLength(4);
});

test("several looks at once are told as one, and what others found is kept", async () => {
	const { refresh, told } = host();
	refresh.learn((known) => ({ ...known, gpus: [] }));
	expect(told).toEqual([]);
	refresh.learn((known) => ({ ...known, problems: { gpu: "Xid 79" } }));
	const probes: Probe[] = [
		{ name: "os", find: async () => ({ os: "Debian 12" }) },
		{ name: "numa", find: async () => ({ numaNodes: 2 }) },
	];
	await refresh.lookAt(probes);
	expect(told).toHaveLength(2);
	expect(told[1]).toMatchObject({ os: "Debian 12", numaNodes: 2, problems: { gpu: "Xid 79" } });
	refresh.close();
});
