import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { errorTable } from "#shared/errors.ts";

const read = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");

const rowsOf = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("| `RM_"));

test("docs/errors.md and the error table say the same", () => {
	const expected = Object.entries(errorTable).map(
		([code, { http, grpc, exit, retryable, meaning }]) =>
			`| \`${code}\` | ${http} | ${grpc} | ${exit} | ${retryable ? "yes" : "no"} | ${meaning} |`,
	);
	expect(rowsOf(read("errors.md"))).toEqual(expected);
});

test("docs/cli.md explains every exit code that an error can have", () => {
	const explained = new Set([...read("cli.md").matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code)));
	for (const { exit } of Object.values(errorTable)) expect(explained).toContain(exit);
});
