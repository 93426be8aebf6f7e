/** docker-compose.yml: what it promises on paper, what its image holds, and a mesh of real containers where an engine runs. */

import { execFile } from "node:child_process";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { parse } from "yaml";
import { createApiClient } from "#cli/lib/client.ts";
import { choosePorts } from "#cli/up/free-ports.ts";
import type { RunDetail } from "#shared/api.ts";
import type { Credentials } from "#shared/credentials.ts";
import { homeEnv, startCommand } from "#test/support/command-line.ts";
import { type ComposeProject, newComposeProject, whyNoContainers } from "#test/support/compose.ts";
import { newPlace, startRealMesh } from "#test/support/real-mesh.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);
const text = (path: string): string => readFileSync(join(root, path), "utf8");

interface Service {
	ports?: string[];
	command?: string[];
	environment?: Record<string, string>;
	depends_on?: Record<string, { condition: string }>;
	restart: string;
	cap_drop: string[];
}

describe("docker-compose.yml", () => {
	const { services } = parse(text("docker-compose.yml"), { merge: true }) as { services: Record<string, Service> };
	const entries = Object.entries(services);

	test("publishes the coordinator's HTTP port on loopback, and nothing else", () => {
		const published = entries.filter(([, { ports }]) => ports).map(([name, { ports }]) => [name, ports]);
		expect(published).toEqual([["coordinator", [expect.stringMatching(/^127\.0\.0\.1:.*:7400$/)]]]);
	});

	test("holds no secret: they are made in the volume that everything waits for", () => {
		expect(text("docker-compose.yml")).not.toMatch(/TOKEN|PASSWORD|secret/i);
		const waiting = entries.filter(([name]) => name !== "home").map(([, { depends_on }]) => depends_on);
		expect(waiting).toEqual(waiting.map(() => ({ home: { condition: "service_completed_successfully" } })));
	});

	test("has two agents that say where they are reached", () => {
		const agents = entries.filter(([, { command }]) => command?.[0] === "agent");
		expect(agents.map(([name, { command }]) => [name, command?.join(" ")])).toEqual(
			["agent-1", "agent-2"].map((name) => [name, `agent start --name ${name} --advertise ${name}`]),
		);
	});

	test("gives no container a capability", () => {
		expect(entries.map(([, { cap_drop }]) => cap_drop)).toEqual(entries.map(() => ["ALL"]));
	});
});

/** A copy of what .dockerignore lets into the image, in its order of rules. */
const imageTree = (): string => {
	const folder = newFolder();
	onTestFinished(() => removeFolder(folder));
	const rules = text(".dockerignore")
		.split("\n")
		.filter((line) => line !== "" && !line.startsWith("#"));
	expect(rules[0]).toBe("*");
	const left = new Set(rules.slice(1).filter((rule) => !rule.startsWith("!")));
	for (const rule of rules.filter((line) => line.startsWith("!"))) {
		const path = rule.slice(1);
		if (!existsSync(join(root, path))) continue;
		cpSync(join(root, path), join(folder, path), {
			recursive: true,
			filter: (source) => !left.has(relative(root, source)),
		});
	}
	symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
	return folder;
};

describe("the image's files", () => {
	test("are all that a mesh needs", async () => {
		const tree = imageTree();
		const programs = { coordinator: join(tree, "coordinator/main.ts"), agent: join(tree, "agent/main.ts") };
		const mesh = await startRealMesh({ programs });
		const digits = await mesh.run("run", join(tree, "examples/digits/pipeline.yaml"), "--no-logs");
		expect(digits, digits.stdout.toString()).toMatchObject({ code: 0, stderr: "" });
	});

	test("make a home once: a second start keeps its credentials", async () => {
		const place = newPlace();
		const script = join(imageTree(), "scripts/container-home.ts");
		const prepare = () => run(process.execPath, [script], { env: homeEnv(place.home.root) });
		await prepare();
		const made = readFileSync(place.home.credentials, "utf8");
		const { natsPassword } = JSON.parse(made) as Credentials;
		expect(readFileSync(join(place.home.nats, "nats.conf"), "utf8")).toContain(natsPassword);
		await prepare();
		expect(readFileSync(place.home.credentials, "utf8")).toBe(made);
	});
});

const why = whyNoContainers();

describe.skipIf(why !== "")(`a mesh of containers${why === "" ? "" : ` (not tried: ${why})`}`, () => {
	const BUILD_MS = 900_000;
	const STEP_MS = 300_000;
	let project: ComposeProject;
	let env: NodeJS.ProcessEnv;
	let folder: string;

	const runmesh = async (...args: string[]): Promise<string> => {
		const { code, stdout, stderr } = await startCommand(args, env).finished;
		expect({ code, stderr }, `${args.join(" ")}:\n${stdout}`).toEqual({ code: 0, stderr: "" });
		return stdout.toString();
	};
	const api = () => createApiClient({ url: env.RUNMESH_URL ?? "", token: env.RUNMESH_TOKEN ?? null });
	const restarts = async (service: string): Promise<number> =>
		Number(await project.inspect(service, "{{.RestartCount}}"));

	/** Both agents and the coordinator, as the coordinator sees it. */
	const isUp = (): Promise<void> =>
		vi.waitFor(
			async () => {
				const agents = await api().agents();
				const states = agents.map(({ name, state }) => `${name} ${state}`).sort();
				expect(states).toEqual(["agent-1 online", "agent-2 online"]);
			},
			{ timeout: 120_000, interval: 250 },
		);

	beforeAll(async () => {
		folder = newFolder();
		const { ports } = await choosePorts("127.0.0.1", { http: 0 });
		project = newComposeProject({ RUNMESH_HTTP_PORT: String(ports.http) });
		await project.compose("build");
		await project.compose("up", "--detach");
		const read = 'require(process.env.RUNMESH_HOME + "/credentials.json").apiToken';
		const token = await project.inside("coordinator", "node", "-p", read);
		env = homeEnv(join(folder, "home"), { RUNMESH_URL: `http://127.0.0.1:${ports.http}`, RUNMESH_TOKEN: token });
		await isUp();
	}, BUILD_MS);

	afterAll(async () => {
		expect(await project.remove(), "left behind by `down --volumes`").toEqual([]);
		await removeFolder(folder);
	}, STEP_MS);

	test("runs as nobody in particular, and can't change its own code or credentials", async () => {
		for (const service of ["coordinator", "agent-1", "agent-2"]) {
			expect(await project.inside(service, "id", "-u")).toBe("1000");
			const touch = project.inside(service, "sh", "-c", "touch /opt/runmesh/x || touch $RUNMESH_HOME/x");
			await expect(touch).rejects.toThrow();
		}
	});

	test(
		"runs steps on both agents",
		async () => {
			const cores = Math.min(...(await api().agents()).map(({ capacity }) => capacity?.cpuMillis ?? 0)) / 1000;
			const pipeline = newPlace().write("both", {
				"pipeline.yaml": `name: both
steps:
  half:
    matrix: {n: [1, 2]}
    run: sleep 2; echo half > "$RUNMESH_OUTPUTS/half"; echo '{"name":"n","value":1}' >> "$RUNMESH_METRICS"
    outputs: {half: half}
    resources: {cpu: ${cores}}
  either: {uses: select, with: {from: half, metric: n}}
  read:
    inputs: {half: either.half}
    run: cat "$RUNMESH_INPUTS/half"
`,
			});
			await runmesh("run", join(pipeline, "pipeline.yaml"));
			const { stepList } = JSON.parse(await runmesh("runs", "show", "latest", "-o", "json")) as RunDetail;
			const halves = stepList.filter(({ name }) => name === "half");
			expect(halves.map(({ attempts }) => attempts[0]?.agent).sort()).toEqual(["agent-1", "agent-2"]);
		},
		STEP_MS,
	);

	test(
		"trains a model, and any container reaches the agent that serves it",
		async () => {
			await runmesh("run", join(root, "examples/digits/pipeline.yaml"), "--no-logs");
			const pixels = `pixels=[${Array(64).fill(0.5).join(",")}]`;
			for (const service of ["coordinator", "agent-1", "agent-2"]) {
				const answer = await project.inside(service, "runmesh", "infer", "digits", "--input", pixels, "-o", "json");
				expect(JSON.parse(answer)).toMatchObject({ model: "digits", outputs: [{ shape: [1, 10] }, { shape: [1] }] });
			}
		},
		STEP_MS,
	);

	test(
		"a crash of each container in the middle of a step costs the run nothing but time",
		async () => {
			const pipeline = newPlace().write("crash", {
				"pipeline.yaml": `name: crash
defaults: {retries: 3}
steps:
  work: {matrix: {n: [1, 2, 3, 4]}, run: sleep 8, resources: {cpu: 0.1}}
`,
			});
			const command = startCommand(["run", join(pipeline, "pipeline.yaml")], env);
			await command.printed(/running work/);
			for (const service of ["agent-1", "coordinator", "nats"]) {
				const before = await restarts(service);
				// Everything but the container's init, which then ends as well. The shell dies with it.
				await project.inside(service, "sh", "-c", "kill -9 -1").catch(() => undefined);
				await vi.waitFor(async () => expect(await restarts(service)).toBeGreaterThan(before), {
					timeout: 60_000,
					interval: 250,
				});
			}
			const { code, stdout } = await command.finished;
			expect(code, stdout.toString()).toBe(0);
			await isUp();
		},
		STEP_MS,
	);
});
