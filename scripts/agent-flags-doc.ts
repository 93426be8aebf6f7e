/** Writes the table of the agent's flags into docs/operations.md, from the one in shared/agent-flags.ts. */

import { readFileSync, writeFileSync } from "node:fs";
import { agentFlag, agentFlagNames, flagGroups, flagVariable } from "#shared/agent-flags.ts";

const path = new URL("../docs/operations.md", import.meta.url);

const row = (cells: readonly string[]): string =>
	`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll("|  |", "| |");

const flagsTable = (): string =>
	[
		"| flag | otherwise | environment | what |",
		"| --- | --- | --- | --- |",
		...Object.entries(flagGroups).flatMap(([group, title]) => [
			`| **${title}** | | | |`,
			...agentFlagNames
				.filter((name) => agentFlag(name).group === group)
				.map((name) => {
					const { value, default: usual, help } = agentFlag(name);
					return row([`\`${`--${name} ${value}`.trim()}\``, usual ?? "", `\`${flagVariable(name)}\``, help]);
				}),
		]),
	].join("\n");

const TABLE = /\| flag \| otherwise \| environment \| what \|\n(\|.*\n)*/;

/** The text with the table as it should be. */
export const withFlagsTable = (text: string): string => text.replace(TABLE, () => `${flagsTable()}\n`);

if (import.meta.main) writeFileSync(path, withFlagsTable(readFileSync(path, "utf8")));
