/** What the host's own files say, read from recordings. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseCgroup } from "#agent/fingerprint/cgroup.ts";
import { cheapProbes, dearProbes, firstFingerprint } from "#agent/fingerprint/fingerprint.ts";
import { parseSwap } from "#agent/fingerprint/memory.ts";
import { parseSpeed, reachable } from "#agent/fingerprint/network.ts";
import { countList } from "#agent/fingerprint/numa.ts";
import { look } from "#agent/fingerprint/probe.ts";
import { parseVersion } from "#agent/fingerprint/runtimes.ts";

const recorded = (name: string): string =>
	readFileSync(fileURLToPath(new URL(`../../fixtures/fingerprint/${name}`, import.meta.url)), "utf8");

test("control groups: those that limits are set with count", () => {
	expect(parseCgroup(recorded("mounts-hybrid.txt"))).toBe("v1");
	expect(parseCgroup(recorded("mounts-v2.txt"))).toBe("v2");
	expect(parseCgroup(recorded("mounts-systemd-only.txt"))).toBe("v2");
	expect(parseCgroup("")).toBe("");
});

test("NUMA nodes are counted in lists of the kernel's", () => {
	expect(["0\n", "0-1\n", "0-3,8,10-11\n", "", "\n", "garbage"].map(countList)).toEqual([1, 2, 7, 0, 0, 0]);
});

test("swap: what the kernel counts in kibibytes", () => {
	expect(parseSwap(recorded("meminfo-no-swap.txt"))).toBe(0);
	expect(parseSwap("MemTotal: 1 kB\nSwapCached:            0 kB\nSwapTotal:       2097148 kB\n")).toBe(2_147_479_552);
	expect(parseSwap("")).toBe(0);
});

test("a link's speed, where it is told", () => {
	expect(["1000\n", "100000\n", "-1\n", "4294967295\n", "", "fast"].map(parseSpeed)).toEqual([
		1000, 100_000, 0, 0, 0, 0,
	]);
});

test("of each interface that leads outside one address, those of containers left out", () => {
	const at = (address: string, internal = false) => ({
		...{ address, internal, family: address.includes(":") ? ("IPv6" as const) : ("IPv4" as const) },
	});
	expect(
		reachable({
			wlan0: [at("fe80::2"), at("169.254.3.4"), at("2001:db8::7")],
			lo: [at("127.0.0.1", true), at("::1", true)],
			eth0: [at("fe80::1"), at("10.0.0.5")],
			docker0: [at("172.17.0.1")],
			"br-0123456789ab": [at("172.18.0.1")],
			br0: [at("10.0.1.1")],
			veth12ab: [at("fe80::3")],
			tailscale0: [at("100.64.0.1")],
			gone: undefined,
		}),
	).toEqual([
		{ name: "br0", address: "10.0.1.1" },
		{ name: "eth0", address: "10.0.0.5" },
		{ name: "tailscale0", address: "100.64.0.1" },
		{ name: "wlan0", address: "2001:db8::7" },
	]);
});

test("versions, however a tool words them", () => {
	const said = {
		"Python 3.11.2\n": "3.11.2",
		"Python 3.14.0rc2+\n": "3.14.0rc2+",
		"uv 0.13.9 (x86_64-unknown-linux-gnu)\n": "0.13.9",
		"conda 24.9.2\n": "24.9.2",
		"mamba 1.5.8\nconda 23.3.1\n": "1.5.8",
		"2.0.5\n": "2.0.5",
		"NVIDIA Container Toolkit CLI version 1.17.4\ncommit: 9b69590c7428470a72f2ae05f826412976af1395\n": "1.17.4",
		"20.10.24+dfsg1\n": "20.10.24+dfsg1",
		"command not found": "",
	};
	expect(Object.keys(said).map(parseVersion)).toEqual(Object.values(said));
});

test("this very host is told whole, and nothing of it is made up", async () => {
	const known = firstFingerprint();
	let found = known;
	for (const probe of [...cheapProbes("/"), ...dearProbes]) found = (await look(probe))(found);
	expect(found.diskBytes).toBeGreaterThan(0);
	expect(found.cpuSockets).toBeGreaterThan(0);
	expect(found.os).not.toBe("");
	expect(found.runtimes.node).toBe(process.version);
	expect(found.network.every(({ name, address }) => name !== "lo" && address !== "")).toBe(true);
	for (const engine of ["docker", "podman"]) expect(engine in found.runtimes && engine in found.problems).toBe(false);
}, 60_000);
