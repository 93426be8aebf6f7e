import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "#cli/program.ts";
import { HelpShown } from "#cli/usage.ts";
import { RunmeshError } from "#shared/errors.ts";

const newProgram = (): Command => buildProgram({ env: {}, stdout: new PassThrough(), stderr: new PassThrough() });

const pathOf = (command: Command): string =>
	command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

const leaves = (command: Command): Command[] =>
	command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);

const helpOf = (command: Command): string => {
	let text = "";
	command.configureOutput({ writeOut: (part) => (text += part) });
	command.outputHelp();
	return text;
};

const program = newProgram();

test.each(leaves(program).map((command) => [pathOf(command), command] as const))(
	"%s --help has examples",
	(path, command) => {
		const help = helpOf(command);
		expect(command.description()).not.toBe("");
		expect(help).toMatch(/Examples?:\n {2}\$ /);
		expect(help).toContain(`$ ${path}`);
		expect(help).toContain("--output <format>");
		for (const line of help.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
	},
);

test.each(leaves(program).map(pathOf))("docs/cli.md shows %s by example", (path) => {
	const text = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
	expect(text).toMatch(new RegExp(`^(id=\\$\\()?${path}( |$)`, "m"));
});

test("the program's own help teaches by example", () => {
	expect(helpOf(newProgram())).toMatch(/Examples:\n {2}\$ runmesh up/);
});

const parse = (...words: string[]) => newProgram().parseAsync(["node", "runmesh", ...words]);

test("an unknown command is an error with the near word", async () => {
	await expect(parse("rnus")).rejects.toMatchObject({ code: "RM_BAD_INPUT", hint: "did you mean runs?" });
	await expect(parse("runs", "shwo")).rejects.toMatchObject({ hint: "did you mean show?" });
});

test("a wrong option points to the help of its own command", async () => {
	await expect(parse("logs")).rejects.toMatchObject({ message: /run/, hint: "see `runmesh logs --help`" });
	await expect(parse("run", "-p", "x", "f.yaml")).rejects.toBeInstanceOf(RunmeshError);
	await expect(parse("runs", "ls", "-o", "xml")).rejects.toMatchObject({ code: "RM_BAD_INPUT" });
});

test("asking for help is no error", async () => {
	const command = newProgram();
	command.commands.find((child) => child.name() === "run")?.configureOutput({ writeOut: () => undefined });
	await expect(command.parseAsync(["node", "runmesh", "run", "--help"])).rejects.toEqual(new HelpShown(0));
});
