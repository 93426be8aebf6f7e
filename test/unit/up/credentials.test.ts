import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Credentials, ensureCredentials, readCredentials, writeCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";

test("a home's credentials are made once; what an older file lacks is added, and nothing else changes", () => {
	const root = mkdtempSync(join(tmpdir(), "runmesh-credentials-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	const home = resolveHome(root);
	const first = ensureCredentials(home);
	expect(first.made).toBe(true);
	expect(ensureCredentials(home)).toEqual({ credentials: first.credentials, made: false });

	const { inferenceToken, ...older } = first.credentials;
	writeCredentials(home, older as Credentials);
	expect(readCredentials(home, {})?.inferenceToken).toBe(older.apiToken);
	const { credentials } = ensureCredentials(home);
	expect(credentials).toEqual({ ...older, inferenceToken: expect.any(String) });
	expect([older.apiToken, inferenceToken]).not.toContain(credentials.inferenceToken);
	expect(JSON.parse(readFileSync(home.credentials, "utf8"))).toEqual(credentials);
});
