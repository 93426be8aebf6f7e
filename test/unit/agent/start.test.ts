/** How an agent finds out who and where it is. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { firstFingerprint } from "#agent/fingerprint/fingerprint.ts";
import { agentIdentity } from "#agent/identity.ts";
import { capacityOf, dialable } from "#agent/offer.ts";
import { resolveOptions } from "#agent/options.ts";
import { lockFolder } from "#shared/lock.ts";

const folder = (): string => {
	const dir = mkdtempSync(join(tmpdir(), "runmesh-start-"));
	onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

test("options come from flags, the mesh's file, and defaults", () => {
	const home = folder();
	const options = resolveOptions(
		["--home", home, "--labels", "zone=lab,disk=nvme", "--labels", "a=b=c", "--cpu", "1.5", "--memory", "4Gi"],
		{},
	);
	expect(options).toMatchObject({
		nats: ["nats://127.0.0.1:4222"],
		coordinator: "127.0.0.1:7401",
		grpcPort: 7402,
		servingPort: 8000,
		advertise: "127.0.0.1",
		labels: { zone: "lab", disk: "nvme", a: "b=c" },
		cpu: 1500,
		memory: 4 * 1024 ** 3,
	});
	const mesh = { pid: 1, url: "http://h:1", grpc: "h:2", nats: "nats://h:3", startedAtMs: 0, processes: {} };
	writeFileSync(join(home, "mesh.json"), JSON.stringify(mesh));
	expect(resolveOptions(["--home", home], {})).toMatchObject({ nats: ["nats://h:3"], coordinator: "h:2" });
	expect(capacityOf(firstFingerprint(), options).cpuMillis).toBeLessThanOrEqual(1500);
});

test.for([
	["--no-such"],
	["--grpc-port", "x"],
	["--grpc-port", "70000"],
	["--memory", "lots"],
	["--cpu", "0"],
	["--labels", "=x"],
	["--coordinator", "nowhere"],
])("%s is refused with a hint", (flags) => {
	expect(() => resolveOptions(["--home", folder(), ...flags], {})).toThrow(
		expect.objectContaining({ code: "RM_BAD_INPUT", hint: expect.any(String) }),
	);
});

test("the id is the first name made safe, or one of its own on this host, and stays", () => {
	const home = folder();
	expect(agentIdentity(home, "Lab box.local/7")).toBe("Lab-box-local-7");
	expect(agentIdentity(home, "renamed")).toBe("Lab-box-local-7");
	const unnamed = folder();
	const id = agentIdentity(unnamed, null);
	expect(id).toMatch(/^[A-Za-z0-9].*-[0-9a-z]{4}$/);
	expect(agentIdentity(unnamed, null)).toBe(id);
	expect(agentIdentity(folder(), null)).not.toBe(id);
	expect(() => agentIdentity(folder(), "…")).toThrow(expect.objectContaining({ code: "RM_BAD_INPUT" }));
});

test("a lock is held once, and a dead owner's is taken over", () => {
	const home = folder();
	const lock = lockFolder(home, "agent");
	expect(() => lockFolder(home, "agent")).toThrow(expect.objectContaining({ code: "RM_ALREADY_UP" }));
	lock.release();
	writeFileSync(join(home, "agent.lock"), JSON.stringify({ pid: process.pid, start: "another boot 1" }));
	lockFolder(home, "agent").release();
});

test("others dial the advertised host at the port that is listened on", () => {
	expect(dialable("box.lab", "0.0.0.0:7402")).toBe("box.lab:7402");
	expect(dialable("fd00::1", "[::]:7402")).toBe("[fd00::1]:7402");
});
