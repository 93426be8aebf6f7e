import { expect, test } from "vitest";
import { agentsView, agentView } from "#cli/output/agents-view.ts";
import { artifactsView } from "#cli/output/artifacts-view.ts";
import { explainView } from "#cli/output/explain-view.ts";
import { deploymentsView, modelsView, modelView } from "#cli/output/models-view.ts";
import { planView } from "#cli/output/plan-view.ts";
import type { View } from "#cli/output/print.ts";
import { runsView, runView } from "#cli/output/runs-view.ts";
import { createStyle } from "#cli/output/style.ts";
import { renderTable } from "#cli/output/table.ts";
import type { AgentView, DeploymentView, ExplainView, ModelView } from "#shared/api.ts";
import { runDetail, stepView } from "#test/support/run-detail.ts";

const nowMs = 1_700_000_060_000;
const view: View = {
	style: createStyle(false),
	nowMs,
	table: (columns, rows) => renderTable(columns, rows, { width: null }),
};
const cpu = (cpuMillis: number) => ({ cpuMillis, memoryBytes: 0, gpu: null, diskBytes: 0, named: {} });

test("runs: one line each, and how to get more", () => {
	const run = runDetail([stepView("a", { state: "succeeded" }), stepView("b")]);
	expect(runsView({ items: [run], next: "r0next" }, view)).toEqual([
		"RUN     PIPELINE  STATE    STEPS  SUBMITTED   TOOK  BY",
		"r0test  digits    running    1/2  1m ago     1m00s  admin",
		"more: --before r0next",
	]);
	expect(runsView({ items: [], next: null }, view)).toEqual(["no runs; start one with: runmesh run pipeline.yaml"]);
	const filters = { state: "queued", pipeline: undefined, search: "lr=0.1" };
	expect(runsView({ items: [], next: null }, view, filters)).toEqual(["no run fits --state queued --search lr=0.1"]);
});

test("a run: its parameters, and of each step why it is where it is", () => {
	const run = runDetail(
		[
			stepView("train.0", { matrix: { lr: 0.1 }, state: "backoff", reason: "again in 10s" }),
			stepView("deploy", { reason: "waits for train" }),
		],
		{ params: { epochs: 3 } },
	);
	expect(runView(run, view)).toEqual([
		"run r0test  digits  running",
		"submitted 1m ago by admin, going for 1m00s",
		"params epochs=3",
		"",
		"   STEP     MATRIX  STATE    TOOK  TRIES  AGENT  DETAILS",
		"↻  train.0  lr=0.1  backoff            0         again in 10s",
		"·  deploy           waiting            0         waits for train",
	]);
});

test("a run that takes results: which, and of which run", () => {
	const run = runDetail(
		[
			stepView("prepare", {
				state: "succeeded",
				reason: "taken from run r0base",
				takenFrom: { run: "r0base", step: "prepare" },
			}),
			stepView("release", { state: "held", reason: "waits for approval: ship it?" }),
		],
		{ basedOn: "r0base", reason: "it took too long", state: "failed", finishedAtMs: nowMs },
	);
	expect(runView(run, view)).toEqual([
		"run r0test  digits  failed",
		"submitted 1m ago by admin, took 1m00s",
		"based on run r0base",
		"failed: it took too long",
		"",
		"   STEP     MATRIX  STATE      TOOK  TRIES  AGENT  DETAILS",
		"≡  prepare          succeeded            0         taken from run r0base",
		"?  release          held                 0         waits for approval: ship it?",
	]);
});

test("an explanation: the sentence, what holds it up, what happened, what to do", () => {
	const at = (minute: number): number => new Date(2_023, 10, 14, 12, minute, 5).getTime();
	const explained: ExplainView = {
		subject: "step",
		id: "train",
		state: "ready",
		sinceMs: at(27),
		summary: "train has been ready for 3 min: agents that could run it are busy",
		waits: [
			{
				for: "capacity",
				what: "agents that could run it are busy",
				sinceMs: at(27),
				blockers: Array.from({ length: 12 }, (_, lab) => ({
					kind: "agent" as const,
					id: `lab-${lab}`,
					reason: "0 of 4\u001b[2J cpu free",
				})),
			},
		],
		cache: null,
		story: [
			{ eventId: "1.0", atMs: at(1), kind: "runSubmitted", text: "run submitted by ada" },
			{ eventId: "2.0", atMs: at(2), kind: "attemptLeased", text: "attempt 1 given to lab-1" },
		],
		hints: ["`runmesh agents ls` shows what each agent has free"],
	};
	const lines = explainView(explained, { ...view, nowMs: at(30) });
	expect(lines.slice(0, 6)).toEqual([
		"step train  ready  for 3m",
		"train has been ready for 3 min: agents that could run it are busy",
		"",
		"waits for",
		"  … agents that could run it are busy  for 3m",
		"      lab-0  0 of 4\\x1b[2J cpu free",
	]);
	expect(lines.slice(15)).toEqual([
		"      and 2 more",
		"",
		"what happened",
		"  12:01:05  run submitted by ada",
		"  12:02:05  attempt 1 given to lab-1",
		"",
		"what to do",
		"  → `runmesh agents ls` shows what each agent has free",
	]);
	expect(explainView({ ...explained, sinceMs: null, waits: [], story: [], hints: [] }, view)).toEqual([
		"step train  ready",
		"train has been ready for 3 min: agents that could run it are busy",
	]);
});

test("a long story shows its end", () => {
	const story = Array.from({ length: 100 }, (_, index) => ({
		...{ eventId: `${index}.0`, atMs: nowMs, kind: "attemptLeased", text: `attempt ${index}` },
	}));
	const explained: ExplainView = {
		...{ subject: "run", id: "r0", state: "running", sinceMs: null, summary: "it goes on" },
		...{ waits: [], cache: null, story, hints: [] },
	};
	const lines = explainView(explained, view);
	expect(lines[4]).toBe("  60 earlier: -o json shows them");
	expect(lines.at(-1)).toMatch(/attempt 99$/);
});

test("a plan: where each step would go, or what stands against it", () => {
	const step = { matrix: {}, needs: [], resources: cpu(1_000), rejected: [] };
	const plan = {
		pipeline: "digits",
		params: {},
		steps: [
			{ ...step, key: "prepare", agent: "lab-1", agents: ["lab-1"] },
			{
				...step,
				key: "train",
				needs: ["prepare"],
				agent: null,
				agents: [],
				rejected: [{ agent: "lab-1", reason: "no gpu" }],
			},
			{ ...step, key: "test", agent: null, agents: [] },
		],
	};
	expect(planView(plan, view)).toEqual([
		"digits  3 steps",
		"STEP     MATRIX  NEEDS    RESOURCES  AGENT",
		"prepare                   1 cpu      lab-1",
		"train            prepare  1 cpu      none: lab-1: no gpu",
		"test                      1 cpu      none: no agent is online",
	]);
});

const agent: AgentView = {
	id: "lab-1",
	name: "lab-1",
	state: "online",
	version: "0.1.0",
	labels: { room: "b12" },
	closed: "",
	cordon: null,
	fingerprint: null,
	capacity: cpu(4_000),
	usable: null,
	free: cpu(3_000),
	devices: [],
	attempts: ["r0test.train.1"],
	replicas: [{ deployment: "digits", version: 2, state: "serving", detail: "", revision: 1, endpoint: "" }],
	endpoints: { grpc: "10.0.0.1:7402", serving: "http://10.0.0.1:8000" },
	lastHeartbeatAtMs: nowMs - 3_000,
};

test("agents: what each has free, runs and serves", () => {
	expect(agentsView([agent], view)).toEqual([
		"AGENT  STATE   RUNNING  FREE   OF     MODELS    SEEN",
		"lab-1  online        1  3 cpu  4 cpu  digits:2  3s ago",
	]);
	expect(agentView(agent, view)).toEqual([
		"lab-1",
		"state    online, seen 3s ago",
		"version  0.1.0",
		"labels   room=b12",
		"offers   4 cpu",
		"free     3 cpu",
		"grpc     10.0.0.1:7402",
		"serving  http://10.0.0.1:8000",
		"runs     r0test.train.1",
		"serves   digits:2 serving",
	]);
});

const GIB = 1024 ** 3;
const a100 = {
	...{ id: "GPU-aaa", vendor: "NVIDIA", model: "NVIDIA A100-SXM4-80GB", memoryBytes: 80 * GIB, driver: "550.54.15" },
	...{ index: 0, computeCapability: "8.0", parent: "", fault: "" },
};
const slice = { id: "MIG-bbb", model: "NVIDIA A100 MIG 3g.40gb", memoryBytes: 40 * GIB, index: 1, parent: "GPU-bbb" };
const held = { model: a100.model, memoryBytes: 80 * GIB, attempts: 0, freeBytes: 0 };
const host: NonNullable<AgentView["fingerprint"]> = {
	...{ hostname: "lab-1.local", os: "Debian GNU/Linux 12", arch: "x64", kernel: "6.1.0-18" },
	...{ cpuModel: "AMD EPYC 7543", cpuCores: 64, cpuSockets: 2, numaNodes: 4 },
	...{ memoryBytes: 256 * GIB, swapBytes: 8 * GIB, diskBytes: 2_000 * GIB },
	network: [
		{ name: "eth0", address: "10.0.0.5", megabitsPerSecond: 10_000 },
		{ name: "wlan0", address: "10.0.1.5", megabitsPerSecond: 0 },
	],
	cgroup: "v2",
	limits: { memory: "cgroup v2", disk: "watched" },
	gpus: [
		a100,
		{ ...a100, ...slice },
		{ ...a100, id: "GPU-ccc", index: 2, fault: "Xid 79: it has fallen off the bus" },
		{ ...a100, id: "GPU-ddd", index: 3 },
	],
	runtimes: { node: "v24.0.0", docker: "28.2.2" },
	problems: { podman: "the client is there\nbut no engine" },
};

test("an agent with all it has: hardware, what its limits are kept by, each device, and why it takes nothing new", () => {
	const whole: AgentView = {
		...{
			...agent,
			state: "cordoned",
			closed: "cordoned by ada: new disk",
			fingerprint: host,
			replicas: [],
			attempts: [],
		},
		cordon: { reason: "new disk", by: "ada", sinceMs: nowMs - 7_200_000 },
		capacity: { ...cpu(64_000), memoryBytes: 256 * GIB, diskBytes: 500 * GIB, named: { matlab: 2 } },
		usable: { cpuMillis: 60_000, memoryBytes: 200 * GIB, diskBytes: 300 * GIB, devices: [] },
		devices: [
			{ ...held, id: "GPU-aaa", freeBytes: 30 * GIB, attempts: 1, reason: "" },
			{ ...held, id: "GPU-ddd", reason: "in use by pid 4711 of bob" },
		],
	};
	expect(agentView(whole, view)).toEqual([
		"lab-1",
		"state     cordoned, seen 3s ago",
		"closed    cordoned by ada: new disk (2h ago)",
		"version   0.1.0",
		"labels    room=b12",
		"host      lab-1.local, Debian GNU/Linux 12 x64, kernel 6.1.0-18",
		"cpu       AMD EPYC 7543, 64 cores, 2 sockets, 4 NUMA nodes",
		"memory    256 GiB, 8 GiB swap",
		"disk      2 TiB",
		"network   eth0 10.0.0.5, 10 Gbit/s",
		"network   wlan0 10.0.1.5",
		"cgroup    v2",
		"limits    memory cgroup v2, disk watched",
		"runtimes  node v24.0.0, docker 28.2.2",
		"problem   podman: the client is there but no engine",
		"offers    64 cpu, 256 GiB, 500 GiB disk, 2 matlab",
		"usable    60 cpu, 200 GiB, 300 GiB disk; the rest others on the machine use, or it stays free",
		"free      3 cpu",
		"grpc      10.0.0.1:7402",
		"serving   http://10.0.0.1:8000",
		"",
		"GPU  MODEL                    MEMORY    FREE  RUNNING  COMPUTE  DRIVER     ID       DETAILS",
		"  0  NVIDIA A100-SXM4-80GB    80 GiB  30 GiB        1  8.0      550.54.15  GPU-aaa",
		"  1  NVIDIA A100 MIG 3g.40gb  40 GiB                   8.0      550.54.15  MIG-bbb  part of GPU-bbb",
		"  2  NVIDIA A100-SXM4-80GB    80 GiB                   8.0      550.54.15  GPU-ccc  fault: Xid 79: it has fallen off the bus",
		"  3  NVIDIA A100-SXM4-80GB    80 GiB     0 B        0  8.0      550.54.15  GPU-ddd  in use by pid 4711 of bob",
	]);
	expect(agentsView([agent, whole], view)).toEqual([
		"AGENT  STATE     RUNNING  FREE   OF                         MODELS    SEEN    TAKES NOTHING NEW",
		"lab-1  online          1  3 cpu  4 cpu                      digits:2  3s ago",
		"lab-1  cordoned        0  3 cpu  64 cpu, 256 GiB, 2 matlab            3s ago  cordoned by ada: new disk",
	]);
});

test("an agent's words can't draw on the terminal", () => {
	expect(agentView({ ...agent, version: "\u001b[2J" }, view).join("\n")).not.toContain("\u001b");
	const forged = { ...agent, labels: {}, id: "lab-1", state: "online" as const, replicas: [] };
	expect(agentsView([{ ...forged, attempts: [] }], view)[1]).toBe(
		"lab-1  online        0  3 cpu  4 cpu          3s ago",
	);
});

test("artifacts go by the name that get takes", () => {
	const digest = `sha256:${"ab".repeat(32)}` as never;
	const artifact = {
		name: "model",
		digest,
		sizeBytes: 2_048,
		fileCount: 1,
		holders: ["lab-1"],
		run: "r0",
		step: "train.0",
	};
	expect(artifactsView([artifact], view)[1]).toBe("train.0.model  2 KiB      1  abababababab  lab-1");
});

const model: ModelView = {
	name: "digits",
	versions: [1, 2].map((version) => ({
		version,
		state: "serving",
		digest: `sha256:${"cd".repeat(32)}`,
		sizeBytes: 1_024,
		run: "r0",
		step: "deploy",
		metrics: [{ name: "accuracy", value: 0.98, step: 0 }],
		registeredAtMs: nowMs - 120_000,
	})),
};

test("models: the newest version, and all of one", () => {
	expect(modelsView([model], view)[1]).toBe("digits         2       2  serving  2m ago      accuracy=0.98");
	expect(modelView(model, view)).toHaveLength(4);
	expect(modelView(model, view)[3]).toBe("      2  serving  1 KiB  cdcdcdcdcdcd  r0 deploy  2m ago      accuracy=0.98");
});

test("deployments: one line for each replica", () => {
	const deployment: DeploymentView = {
		name: "digits",
		model: "digits",
		version: 2,
		revision: 1,
		run: "r0",
		replicas: [{ agent: "lab-1", version: 1, state: "failed", detail: "opset\n22", endpoint: "http://10.0.0.1:8000" }],
	};
	expect(deploymentsView([deployment, { ...deployment, name: "empty", replicas: [] }], view)).toEqual([
		"DEPLOYMENT  MODEL     AGENT  STATE        ENDPOINT              DETAILS",
		"digits      digits:1  lab-1  failed       http://10.0.0.1:8000  opset 22",
		"empty       digits:2         no replicas",
	]);
});
