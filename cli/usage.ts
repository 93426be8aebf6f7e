/** Mistakes on the command line, as errors like any other instead of commander's own printing and exits. */

import type { Command, CommanderError } from "commander";
import { RunmeshError } from "#shared/errors.ts";

/** Thrown where help was asked for and has been printed: nothing is left to do or to say. */
export class HelpShown extends Error {
	readonly exitCode: number;

	constructor(exitCode: number) {
		super("help was shown");
		this.exitCode = exitCode;
	}
}

const pathOf = (command: Command | null): string =>
	command === null ? "" : `${pathOf(command.parent)} ${command.name()}`.trim();

/** commander's words: "error: unknown command 'rnus'\n(Did you mean runs?)". */
const toError = ({ message }: CommanderError, command: Command): RunmeshError => {
	const [first = "", ...more] = message.replace(/^error: /, "").split("\n");
	const near = more.join(" ").replace(/^\(D(.*)\)$/, "d$1");
	return new RunmeshError("RM_BAD_INPUT", first, { hint: near || `see \`${pathOf(command)} --help\`` });
};

const withSubcommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubcommands)];

export const throwUsageErrors = (program: Command): void => {
	for (const command of withSubcommands(program)) {
		command.configureOutput({ outputError: () => undefined }).exitOverride((error) => {
			if (error.exitCode === 0) throw new HelpShown(0);
			// A group without a verb: its help has been printed in place of an answer.
			if (error.code === "commander.help") throw new HelpShown(2);
			throw toError(error, command);
		});
	}
};
