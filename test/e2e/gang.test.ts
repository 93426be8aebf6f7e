/** A step on two agents at once: its members meet, their output is told apart, and they end together. */

import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogRecord, RunDetail } from "#shared/api.ts";
import { startRealMesh } from "#test/support/real-mesh.ts";

/** The first member waits for the others at the port that all were given; each of them says who it is. */
const MEET = `import { createServer, connect } from "node:net";
import { writeFileSync } from "node:fs";
const { RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT, RUNMESH_OUTPUTS } = process.env;
console.log("rank " + RANK + " of " + WORLD_SIZE);
if (RANK === "0") {
	const met = [];
	const server = createServer((socket) => socket.on("data", (text) => {
		met.push(String(text));
		if (met.length < WORLD_SIZE - 1) return;
		writeFileSync(RUNMESH_OUTPUTS + "/met.json", JSON.stringify(met));
		server.close();
	})).listen(Number(MASTER_PORT), MASTER_ADDR);
} else {
	const tell = () => {
		const socket = connect(Number(MASTER_PORT), MASTER_ADDR, () => socket.end("rank " + RANK));
		socket.on("error", () => setTimeout(tell, 50));
	};
	tell();
}
`;

test("members find each other, and the step's results are the first one's", async () => {
	const mesh = await startRealMesh({ agents: 2 });
	const folder = mesh.write("meet", {
		"pipeline.yaml": `name: meet
steps:
  train:
    nodes: 2
    run: node meet.mjs
    outputs: {met: met.json}
    resources: {cpu: 0.5, memory: 128Mi}
  after:
    inputs: {met: train.met}
    run: 'cat "$RUNMESH_INPUTS/met"'
    resources: {cpu: 0.1, memory: 16Mi}
`,
		"meet.mjs": MEET,
	});
	const run = await mesh.json<RunDetail>("run", join(folder, "pipeline.yaml"));
	expect(run.state).toBe("succeeded");
	const [train] = run.stepList;
	const [attempt] = train?.attempts ?? [];
	expect([attempt?.agent, ...(attempt?.members ?? [])].sort()).toEqual(["lab", "lab-2"]);

	const { stdout } = await mesh.run("logs", run.id, "-o", "json");
	const records: LogRecord[] = stdout
		.toString()
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	const said = records.map(({ step, rank, text }) => `${step} ${rank ?? "-"}: ${text.trim()}`);
	expect(said.sort()).toEqual(['after -: ["rank 1"]', "train 0: rank 0 of 2", "train 1: rank 1 of 2"]);
	const shown = (await mesh.run("logs", run.id, "train")).stdout.toString().trim().split("\n");
	expect(shown.map((line) => line.replace(/\s+/g, " ")).sort()).toEqual(
		[0, 1].map((rank) => expect.stringMatching(new RegExp(`^train\\[${rank}\\] .*rank ${rank} of 2$`))),
	);
});

test("one member that fails ends the other, and the step says which", async () => {
	const mesh = await startRealMesh({ agents: 2 });
	const folder = mesh.write("fails", {
		"pipeline.yaml": `name: fails
steps:
  train:
    nodes: 2
    run: 'if [ "$RANK" = 1 ]; then echo no luck >&2; exit 3; fi; sleep 1000'
    resources: {cpu: 0.5, memory: 128Mi}
`,
	});
	const { stdout } = await mesh.run("run", join(folder, "pipeline.yaml"), "--no-logs", "-o", "json");
	const run: RunDetail = JSON.parse(stdout.toString());
	const [train] = run.stepList;
	expect(train?.failure).toMatchObject({ cause: "error", exitCode: 3 });
	expect(train?.failure?.message).toMatch(/^rank 1 on lab.*exit code 3.*no luck/s);
	for (;;) {
		const agents = await mesh.client.agents();
		if (
			agents.every(({ attempts, free, capacity }) => attempts.length === 0 && free?.cpuMillis === capacity?.cpuMillis)
		)
			break;
	}
});
