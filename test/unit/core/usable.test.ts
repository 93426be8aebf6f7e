/** Steps go where there is room: of an agent's capacity, less what others use of its machine, while it is open. */

import { describe, expect, it } from "vitest";
import { waitsOf } from "#coordinator/waiting.ts";
import type { Resources, Usable } from "#shared/domain.ts";
import type { AgentId, RunId } from "#shared/ids.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { pipelineOf, stepOf } from "#test/support/definitions.ts";

const GiB = 1024 ** 3;
const BOX = "box" as AgentId;

/** An agent of 4 cores, 16 GiB of memory, 100 GiB of disk, two licences and, if wanted, GPUs. */
const meshWith = (gpus = 0): CoreMesh => {
	const mesh = new CoreMesh();
	mesh.agent(BOX, 4, { gpus });
	const advert = mesh.state.agents.get(BOX)?.advert;
	if (!advert) throw new Error("no advert");
	const named = { "license.matlab": 2 };
	const capacity = { cpuMillis: 4_000, memoryBytes: 16 * GiB, diskBytes: 100 * GiB, gpu: null, named };
	mesh.give({ kind: "advertReceived", advert: { ...advert, capacity } });
	return mesh;
};

const whole: Usable = { cpuMillis: 4_000, memoryBytes: 16 * GiB, diskBytes: 100 * GiB, devices: [] };
const leave = (mesh: CoreMesh, usable: Partial<Usable>, running = mesh.tasks): void =>
	void mesh.beat(BOX, running, "s1", "running", { usable: { ...whole, ...usable } });

const step = (name: string, resources: Partial<Resources>) =>
	stepOf(name, { resources: { cpuMillis: 1000, memoryBytes: 0, gpu: null, diskBytes: 0, named: {}, ...resources } });
const submit = (mesh: CoreMesh, resources: Partial<Resources>, run = "r1"): void =>
	void mesh.submit(pipelineOf(step("one", resources)), run);
const wait = (mesh: CoreMesh, run = "r1") => waitsOf(mesh.state, run as RunId).get("one" as never)?.[0];
const reason = (mesh: CoreMesh, run = "r1"): string | undefined => wait(mesh, run)?.blockers[0]?.reason;
const isPlaced = (mesh: CoreMesh, run = "r1"): boolean => mesh.tasks.some(({ runId }) => runId === run);

describe("memory", () => {
	it("that others use is not given, and is when they leave it", () => {
		const mesh = meshWith();
		submit(mesh, { memoryBytes: 4 * GiB }, "r0");
		leave(mesh, { memoryBytes: 7 * GiB });
		submit(mesh, { memoryBytes: 8 * GiB });
		expect(reason(mesh)).toBe("memory: 8Gi wanted, 3Gi of 16Gi free: others on the machine use 9Gi");
		expect(wait(mesh)?.what).toBe(
			"others use what it needs: box: memory: 8Gi wanted, 7Gi of 16Gi free: others on the machine use 9Gi",
		);
		leave(mesh, { memoryBytes: 12 * GiB });
		expect(isPlaced(mesh)).toBe(true);
	});

	it("that steps hold makes an agent busy", () => {
		const mesh = meshWith();
		submit(mesh, { memoryBytes: 12 * GiB }, "r0");
		submit(mesh, { memoryBytes: 8 * GiB });
		expect(wait(mesh)?.what).toBe("agents that could run it are busy");
		expect(reason(mesh)).toBe("memory: 8Gi wanted, 4Gi of 16Gi free");
	});

	it("that others take from what runs leaves nothing, and what asks for none is still placed", () => {
		const mesh = meshWith();
		submit(mesh, { memoryBytes: 12 * GiB }, "r0");
		leave(mesh, { memoryBytes: 2 * GiB });
		submit(mesh, { memoryBytes: 1 });
		expect(reason(mesh)).toBe("memory: 1B wanted, 0 of 16Gi free: others on the machine use 14Gi");
		submit(mesh, {}, "r2");
		expect(isPlaced(mesh, "r2")).toBe(true);
	});
});

it("an agent that tells nothing of others is taken at its capacity", () => {
	const mesh = meshWith();
	leave(mesh, { memoryBytes: GiB });
	mesh.beat(BOX);
	submit(mesh, { memoryBytes: 16 * GiB });
	expect(isPlaced(mesh)).toBe(true);
});

it("cpu that others use is not given", () => {
	const mesh = meshWith();
	leave(mesh, { cpuMillis: 1_500 });
	submit(mesh, { cpuMillis: 2_000 });
	expect(reason(mesh)).toBe("cpu: 2 wanted, 1.5 of 4 free: others on the machine use 2.5");
});

it("disk is given to one, and comes back with its end", () => {
	const mesh = meshWith();
	leave(mesh, { diskBytes: 80 * GiB });
	submit(mesh, { diskBytes: 60 * GiB }, "r0");
	submit(mesh, { diskBytes: 50 * GiB });
	expect(reason(mesh)).toBe("disk: 50Gi wanted, 20Gi of 100Gi free: others on the machine use 20Gi");
	mesh.finish(mesh.takeTask("one"));
	expect(isPlaced(mesh)).toBe(true);
});

it("what goes by a name is counted, and missed where there is none", () => {
	const mesh = meshWith();
	submit(mesh, { named: { "license.matlab": 1 } }, "r0");
	submit(mesh, { named: { "license.matlab": 2 } });
	expect(reason(mesh)).toBe("license.matlab: 2 wanted, 1 of 2 free");
	mesh.finish(mesh.takeTask("one"));
	expect(isPlaced(mesh)).toBe(true);
	submit(mesh, { named: { "license.ansys": 1 } }, "r2");
	expect(reason(mesh, "r2")).toBe("license.ansys: 1 wanted, none on the agent");
	expect(wait(mesh, "r2")?.what).toBe("no agent can run it: box: license.ansys: 1 wanted, none on the agent");
	submit(mesh, { named: { constructor: 1 } }, "r3");
	expect(reason(mesh, "r3")).toBe("constructor: 1 wanted, none on the agent");
});

describe("a GPU that others use", () => {
	const held = { id: "GPU-0", memoryBytes: 30e9, reason: "pid 4242 (alice, python) uses 9.5Gi" };

	it("is not given whole, and a share of it as far as it reaches", () => {
		const mesh = meshWith(1);
		leave(mesh, { devices: [held] });
		submit(mesh, { gpu: { count: 1, memoryBytes: 0, model: "" } });
		expect(reason(mesh)).toContain("pid 4242 (alice, python) uses 9.5Gi");
		submit(mesh, { gpu: { count: 1, memoryBytes: 31e9, model: "" } }, "r2");
		expect(isPlaced(mesh, "r2")).toBe(false);
		submit(mesh, { gpu: { count: 1, memoryBytes: 30e9, model: "" } }, "r3");
		expect(isPlaced(mesh, "r3")).toBe(true);
	});

	it("is free again when they are gone, with what is claimed of it kept", () => {
		const mesh = meshWith(1);
		submit(mesh, { gpu: { count: 1, memoryBytes: 20e9, model: "" } }, "r0");
		leave(mesh, { devices: [held] });
		submit(mesh, { gpu: { count: 1, memoryBytes: 15e9, model: "" } });
		expect(isPlaced(mesh)).toBe(false);
		leave(mesh, {});
		expect(isPlaced(mesh)).toBe(true);
	});
});

it("a device with a fault is given to nobody, neither whole nor a share of it", () => {
	const mesh = meshWith(1);
	const advert = mesh.state.agents.get(BOX)?.advert;
	if (!advert?.fingerprint) throw new Error("no advert");
	const gpus = advert.fingerprint.gpus.map((gpu) => ({ ...gpu, fault: "Xid 79" }));
	mesh.give({ kind: "advertReceived", advert: { ...advert, fingerprint: { ...advert.fingerprint, gpus } } });
	submit(mesh, { gpu: { count: 1, memoryBytes: 0, model: "" } });
	submit(mesh, { gpu: { count: 1, memoryBytes: 1e9, model: "" } }, "r2");
	expect([isPlaced(mesh), isPlaced(mesh, "r2")]).toEqual([false, false]);
	expect(reason(mesh)).toContain("GPU-0: Xid 79");
	mesh.give({ kind: "advertReceived", advert });
	expect(isPlaced(mesh)).toBe(true);
});

it("a share stays on the device that it was given, whatever is advertised meanwhile", () => {
	const mesh = meshWith(2);
	const share = { gpu: { count: 1, memoryBytes: 20e9, model: "" } };
	for (const run of ["r1", "r2", "r3"]) submit(mesh, share, run);
	const [first] = mesh.tasks;
	if (!first) throw new Error("no task");
	mesh.finish(first);
	const agent = mesh.state.agents.get(BOX);
	const claims = () => agent?.node.devices.map((device) => device.claims);
	expect(claims()).toEqual([1, 1]);
	if (agent?.advert) mesh.give({ kind: "advertReceived", advert: agent.advert });
	expect(claims()).toEqual([1, 1]);
	// Otherwise it would be sent to an agent that has to hand it back, again and again.
	submit(mesh, { gpu: { count: 1, memoryBytes: 0, model: "" } }, "r4");
	expect(isPlaced(mesh, "r4")).toBe(false);
});

it("what is held on a device that is gone is counted on another, and only that", () => {
	const mesh = meshWith(2);
	for (const run of ["r1", "r2"]) submit(mesh, { gpu: { count: 1, memoryBytes: 0, model: "" } }, run);
	const agent = mesh.state.agents.get(BOX);
	if (!agent?.advert?.fingerprint) throw new Error("no advert");
	const { advert } = agent;
	const gpusNow = (gpus: NonNullable<typeof advert.fingerprint>["gpus"]): void => {
		if (!advert.fingerprint) return;
		mesh.give({ kind: "advertReceived", advert: { ...advert, fingerprint: { ...advert.fingerprint, gpus } } });
	};
	const { gpus } = agent.advert.fingerprint;
	gpusNow(gpus.slice(0, 1));
	expect(agent.node.devices.map(({ claims }) => claims)).toEqual([1]);
	gpusNow(gpus);
	expect(agent.node.devices.map(({ claims }) => claims)).toEqual([1, 1]);
});

it("a step that stands still on a closed agent runs on, and says so", () => {
	const mesh = meshWith();
	submit(mesh, {});
	const task = mesh.takeTask("one");
	mesh.beat(BOX, [task], "s1", "paused", { closed: "its owner is active" });
	expect(mesh.journal.at(-1)?.kind).toBe("attemptStarted");
	expect(wait(mesh)).toMatchObject({
		what: "it stands still on box: its owner is active",
		blockers: [{ kind: "agent", id: "box", reason: "its owner is active" }],
	});
	mesh.beat(BOX, [task]);
	expect(wait(mesh)).toBeUndefined();
	mesh.finish(task);
	expect(mesh.outcome("r1" as RunId)).toBe("succeeded");
});

it("an agent that its owner closed takes nothing, says why, and takes work when it opens", () => {
	const mesh = meshWith();
	const closed = "its owner gives it only at these times: 19:00-08:00";
	mesh.beat(BOX, [], "s1", "running", { closed });
	submit(mesh, {});
	expect(isPlaced(mesh)).toBe(false);
	expect(reason(mesh)).toBe(closed);
	expect(wait(mesh)?.what).toBe(`agents that could run it take nothing new now: box: ${closed}`);
	mesh.beat(BOX);
	expect(isPlaced(mesh)).toBe(true);
});
