import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { natsConfigPath, writeNatsConfig } from "#cli/up/nats-config.ts";
import { natsRelease } from "#cli/up/nats-release.ts";
import { versionAtLeast } from "#cli/up/nats-version.ts";
import { generateCredentials } from "#shared/credentials.ts";

test.each([
	["2.10.23", "2.10.23", true],
	["2.10.22", "2.10.23", false],
	["2.9.10", "2.10.0", false],
	["2.14.0", "2.9.10", true],
	["3.0.0", "2.10.23", true],
])("%s is at least %s: %s", (version, lowest, expected) => {
	expect(versionAtLeast(version, lowest)).toBe(expected);
});

test("every platform's wheel is pinned by a checksum of its own", () => {
	const wheels = Object.values(natsRelease.wheels);
	expect(Object.keys(natsRelease.wheels).sort()).toEqual(
		["darwin", "linux", "win32"].flatMap((system) => [`${system}-arm64`, `${system}-x64`]),
	);
	expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
	for (const { sha256, filename, tag } of wheels) {
		expect(sha256).toMatch(/^[0-9a-f]{64}$/);
		expect(filename).toContain(`${natsRelease.version}-py3-none-${tag}`);
	}
});

const configFor = (): { config: Record<string, never>; mode: number; password: string } => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-up-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const credentials = generateCredentials();
	writeNatsConfig({
		folder,
		host: "127.0.0.1",
		port: 4222,
		serverName: "test",
		credentials,
	});
	const path = natsConfigPath(folder);
	return {
		config: JSON.parse(readFileSync(path, "utf8")),
		mode: statSync(path).mode & 0o777,
		password: credentials.natsPassword,
	};
};

test("the configuration wants a password and is its owner's alone", () => {
	const { config, mode, password } = configFor();
	expect(mode).toBe(0o600);
	expect(config).toMatchObject({
		host: "127.0.0.1",
		max_payload: 8 * 1024 * 1024,
		authorization: { user: "runmesh", password },
	});
	expect(config).not.toHaveProperty("http_port");
});
