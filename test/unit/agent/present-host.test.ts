import { mkdtempSync, rmSync } from "node:fs";
import type { NetworkInterfaceInfo } from "node:os";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { resolveOptions } from "#agent/options.ts";
import { withPresentHost } from "#agent/present-host.ts";
import { writeAgentFile } from "#shared/agent-file.ts";
import { resolveHome } from "#shared/home.ts";

const address = (text: string, internal = false): NetworkInterfaceInfo =>
	({ address: text, internal, family: text.includes(":") ? "IPv6" : "IPv4" }) as NetworkInterfaceInfo;
const interfaces = {
	lo: [address("127.0.0.1", true)],
	eth0: [address("fe80::1"), address("169.254.7.7"), address("10.0.0.9")],
};

const optionsWith = (file: Record<string, string>, ...argv: string[]) => {
	const root = mkdtempSync(join(tmpdir(), "runmesh-host-"));
	onTestFinished(() => rmSync(root, { recursive: true, force: true }));
	writeAgentFile(resolveHome(root), file);
	return resolveOptions(["--home", root, ...argv], {});
};

test("an address of agent.json that is gone gives way to one that is there, and it is said", () => {
	const { options, note } = withPresentHost(optionsWith({ host: "10.0.0.5" }), interfaces);
	expect(options).toMatchObject({ host: "10.0.0.9", advertise: "10.0.0.9" });
	expect(note).toContain("10.0.0.5");
});

test("what peers were told to dial stays", () => {
	const { options } = withPresentHost(optionsWith({ host: "10.0.0.5", advertise: "gpu-7.lab" }), interfaces);
	expect(options).toMatchObject({ host: "10.0.0.9", advertise: "gpu-7.lab" });
});

test.each([
	["one that is there", { host: "10.0.0.9" }, []],
	["this machine's own", { host: "127.0.0.1" }, []],
	["every one", { host: "0.0.0.0" }, []],
	["a name", { host: "gpu-7.lab" }, []],
	["one that is typed", { host: "10.0.0.5" }, ["--host", "10.0.0.6"]],
	["one of a family that is not there", { host: "2001:db8::5" }, []],
])("%s is kept", (_, file, argv) => {
	const options = optionsWith(file, ...argv);
	expect(withPresentHost(options, interfaces)).toEqual({ options, note: null });
});
