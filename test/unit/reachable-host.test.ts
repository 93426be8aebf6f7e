/** What others are told to dial, of a process that listens on every address. */

import { hostname, type NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { reachableHost } from "#shared/reachable-host.ts";

const at = (address: string, family: "IPv4" | "IPv6" = "IPv4", internal = false): NetworkInterfaceInfo =>
	({ address, family, internal }) as NetworkInterfaceInfo;

test("one address is itself", () => {
	expect(reachableHost("10.0.0.1", { eth0: [at("10.0.0.9")] })).toBe("10.0.0.1");
	expect(reachableHost("lab-1", {})).toBe("lab-1");
});

test("every address is the first that leads out, not that of an engine's network", () => {
	const interfaces = {
		lo: [at("127.0.0.1", "IPv4", true)],
		docker0: [at("172.17.0.1")],
		eth0: [at("fe80::1", "IPv6"), at("10.0.0.9")],
		eth1: [at("192.168.0.9")],
	};
	expect(reachableHost("0.0.0.0", interfaces)).toBe("10.0.0.9");
	expect(reachableHost("::", interfaces)).toBe("10.0.0.9");
});

test("without a network it is this machine's name", () => {
	expect(reachableHost("0.0.0.0", { lo: [at("127.0.0.1", "IPv4", true)] })).toBe(hostname());
});
