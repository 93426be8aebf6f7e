/** One table of the agent's flags: the process, its file, the command line and the docs all follow it. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { resolveOptions } from "#agent/options.ts";
import { agentArguments } from "#cli/lib/agent-flags.ts";
import { buildProgram } from "#cli/program.ts";
import { agentFlagNames } from "#shared/agent-flags.ts";
import { withFlagsTable } from "../../../scripts/agent-flags-doc.ts";

const homeWith = (file?: unknown): string => {
	const home = mkdtempSync(join(tmpdir(), "runmesh-flags-"));
	onTestFinished(() => rmSync(home, { recursive: true, force: true }));
	if (file !== undefined) {
		writeFileSync(join(home, "agent.json"), typeof file === "string" ? file : JSON.stringify(file));
	}
	return home;
};

const resolve = (home: string, flags: string[] = [], env: NodeJS.ProcessEnv = {}) =>
	resolveOptions(["--home", home, ...flags], env);

const refused = (message: RegExp) =>
	expect.objectContaining({
		code: "RM_BAD_INPUT",
		message: expect.stringMatching(message),
		hint: expect.any(String),
	});

test("a flag goes before the environment, that before agent.json, that before the default", () => {
	const home = homeWith({ "grpc-port": 1003, "serving-port": 1003, memory: "3Gi", host: "10.0.0.3" });
	const env = { RUNMESH_AGENT_GRPC_PORT: "1002", RUNMESH_SERVING_PORT: "1002", RUNMESH_AGENT_MEMORY: "" };
	expect(resolve(home, ["--grpc-port", "1001"], env)).toMatchObject({
		grpcPort: 1001,
		servingPort: 1002,
		memory: 3 * 1024 ** 3,
		host: "10.0.0.3",
		advertise: "10.0.0.3",
		cpu: null,
	});
});

test("agent.json takes numbers, texts, lists and objects", () => {
	const home = homeWith({ cpu: 6, labels: { zone: "lab", rack: 7 }, nats: ["nats://a:1", "nats://b:2"] });
	expect(resolve(home)).toMatchObject({
		cpu: 6000,
		labels: { zone: "lab", rack: "7" },
		nats: ["nats://a:1", "nats://b:2"],
	});
});

test.for<[unknown, RegExp]>([
	["{", /agent\.json is not JSON/],
	[[], /agent\.json holds no object/],
	[{ memroy: "4Gi" }, /agent\.json has the unknown key "memroy"/],
	[{ home: "/tmp" }, /unknown key "home"/],
	[{ memory: "lots" }, /"memory" in .*agent\.json: "lots" can't be read/],
	[{ "grpc-port": [1, 2] }, /"grpc-port" in .*agent\.json: \[1,2\] can't be read/],
	[{ name: { a: 1 } }, /"name" in .*agent\.json/],
	[{ labels: "zone" }, /"labels" in .*agent\.json: "zone" can't be read/],
])("agent.json with %j is refused, and named", ([file, message]) => {
	expect(() => resolve(homeWith(file))).toThrow(refused(message));
});

test("a bad value in the environment names its variable", () => {
	expect(() => resolve(homeWith(), [], { RUNMESH_SERVING_PORT: "x" })).toThrow(refused(/^RUNMESH_SERVING_PORT "x"/));
});

test("agent start offers every flag, and hands them on as they were given", async () => {
	const program = buildProgram({ env: {}, stdout: new PassThrough(), stderr: new PassThrough() });
	const start = program.commands
		.find((command) => command.name() === "agent")
		?.commands.find((command) => command.name() === "start");
	const offered = start?.options.map((option) => option.long?.slice(2)) ?? [];
	expect(offered.filter((name) => name !== "help").sort()).toEqual([...agentFlagNames].sort());
	start?.action(() => undefined);
	await program.parseAsync(["node", "runmesh", "agent", "start", "--labels", "a=1", "--labels", "b=2", "--cpu", "2"]);
	expect(agentArguments(start?.opts() ?? {})).toEqual(["--labels", "a=1", "--labels", "b=2", "--cpu", "2"]);
	await expect(program.parseAsync(["node", "runmesh", "agent", "start", "--cpu", "x"])).rejects.toMatchObject({
		code: "RM_BAD_INPUT",
	});
});

test("docs/operations.md lists the flags as the table has them: `npm run docs:flags` writes them", () => {
	const text = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
	for (const name of agentFlagNames) expect(withFlagsTable(text)).toContain(`| \`--${name}`);
	expect(text).toBe(withFlagsTable(text));
});
