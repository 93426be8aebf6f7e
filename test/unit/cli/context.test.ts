import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contextProvider, type GlobalOptions, resolveContext, wantsColor } from "#cli/context.ts";

let home: string;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "runmesh-context-"));
});

afterEach(() => rmSync(home, { recursive: true }));

const resolve = (options: GlobalOptions = {}, env: NodeJS.ProcessEnv = {}) =>
	resolveContext({ home, ...options }, { env, stdout: new PassThrough(), stderr: new PassThrough() });

const writeMesh = (url: string): void =>
	writeFileSync(
		join(home, "mesh.json"),
		JSON.stringify({ pid: 1, url, grpc: "127.0.0.1:1", nats: "nats://x", startedAtMs: 1, processes: {} }),
	);

test("with nothing said and no mesh, the default address and no token", async () => {
	const context = await resolve();
	expect(context).toMatchObject({ url: "http://127.0.0.1:7400", token: null, output: "human", isTerminal: false });
	expect(Object.isFrozen(context)).toBe(true);
});

test("the home's mesh and credentials are found", async () => {
	writeMesh("http://127.0.0.1:4711");
	writeFileSync(join(home, "credentials.json"), JSON.stringify({ apiToken: "from home" }));
	expect(await resolve()).toMatchObject({ url: "http://127.0.0.1:4711", token: "from home" });
});

test("models are asked with the home's own token, where the API is", async () => {
	const file = join(home, "credentials.json");
	writeFileSync(file, JSON.stringify({ apiToken: "api", inferenceToken: "models" }));
	expect((await resolve()).inferenceToken()).toBe("models");
	expect((await resolve({ token: "another mesh's" })).inferenceToken()).toBe("another mesh's");
	expect((await resolve({}, { RUNMESH_INFERENCE_TOKEN: "given" })).inferenceToken()).toBe("given");
	writeFileSync(file, JSON.stringify({ apiToken: "api" }));
	expect((await resolve()).inferenceToken()).toBe("api");
});

test("the environment goes before the home, flags before the environment", async () => {
	writeMesh("http://127.0.0.1:4711");
	const env = { RUNMESH_URL: "http://env:1/", RUNMESH_TOKEN: "env" };
	expect(await resolve({}, env)).toMatchObject({ url: "http://env:1", token: "env" });
	expect(await resolve({ url: "https://flag:2", token: "flag" }, env)).toMatchObject({
		url: "https://flag:2",
		token: "flag",
	});
});

test("RUNMESH_HOME names the home where no flag does", async () => {
	const options = { env: { RUNMESH_HOME: home }, stdout: new PassThrough(), stderr: new PassThrough() };
	expect((await resolveContext({}, options)).home.root).toBe(home);
});

test("what is no URL is refused with an example", async () => {
	for (const url of ["ftp://host", "nonsense", "localhost:7400"]) {
		await expect(resolve({ url })).rejects.toMatchObject({ code: "RM_BAD_INPUT", hint: /http:\/\/127/ });
	}
});

test("credentials that are no JSON are told of, not taken for none", async () => {
	writeFileSync(join(home, "credentials.json"), "{");
	await expect(resolve()).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
	expect((await resolve({ token: "given" })).token).toBe("given");
});

test("the provider resolves once, when first asked", async () => {
	let asked = 0;
	const options = (): GlobalOptions => {
		asked++;
		return { home };
	};
	const provider = contextProvider(options, { env: {}, stdout: new PassThrough(), stderr: new PassThrough() });
	expect(asked).toBe(0);
	expect(await provider()).toBe(await provider());
	expect(asked).toBe(1);
});

test("colours are for terminals that want them", () => {
	const terminal = Object.assign(new PassThrough(), { isTTY: true });
	expect(wantsColor({}, terminal)).toBe(true);
	expect(wantsColor({ NO_COLOR: "1" }, terminal)).toBe(false);
	expect(wantsColor({ TERM: "dumb" }, terminal)).toBe(false);
	expect(wantsColor({}, new PassThrough())).toBe(false);
});
