/** The agent's flags as options of a command: offered in their groups, checked here, handed on as they were typed. */

import { type Command, Option } from "commander";
import { propertyOf, readFlag } from "#shared/agent-flag-values.ts";
import { type AgentFlagName, agentFlag, agentFlagNames, flagGroups, flagVariable } from "#shared/agent-flags.ts";

/** Every flag of the agent process, under the heading of its group. */
export const withAgentFlags = (command: Command): Command => {
	for (const group of Object.keys(flagGroups)) {
		for (const name of agentFlagNames.filter((name) => agentFlag(name).group === group)) {
			command.addOption(asOption(name).helpGroup(`${flagGroups[agentFlag(name).group]}:`));
		}
	}
	return command;
};

const asOption = (name: AgentFlagName): Option => {
	const { kind, value, choices, help, default: usual } = agentFlag(name);
	const notes = [
		...(choices ? [choices.join(" or ")] : []),
		...(usual === null ? [] : [`default: ${usual}`]),
		flagVariable(name),
	];
	const option = new Option(
		kind === "switch" ? `--${name}` : `--${name} <${choices ? "which" : value}>`,
		`${help} (${notes.join("; ")})`,
	);
	if (kind === "switch") return option;
	return option.argParser((text: string, before: string[] | undefined) => {
		readFlag(name, [text], `--${name}`);
		return [...(before ?? []), text];
	});
};

type Parsed = Readonly<Record<string, unknown>>;

/** The flags that were given, in the words of the agent process. */
export const agentArguments = (parsed: Parsed, names: readonly AgentFlagName[] = agentFlagNames): string[] =>
	names.flatMap((name) => {
		const given = parsed[propertyOf(name)];
		if (given === undefined) return [];
		return Array.isArray(given) ? given.flatMap((text) => [`--${name}`, String(text)]) : [`--${name}`];
	});

/** How long it stays is said at each start, and not kept in the home. */
const lifeFlags = agentFlagNames.filter((name) => agentFlag(name).group === "life");

export const lifeArguments = (parsed: Parsed): string[] => agentArguments(parsed, lifeFlags);

/** The other flags that were given, for agent.json. */
export const agentFileValues = (parsed: Parsed): Record<string, unknown> =>
	Object.fromEntries(
		agentFlagNames.flatMap((name) => {
			const given = parsed[propertyOf(name)];
			if (given === undefined || lifeFlags.includes(name)) return [];
			const isMany = ["list", "pairs"].includes(agentFlag(name).kind);
			return [[name, Array.isArray(given) && !isMany ? given.at(-1) : given]];
		}),
	);
