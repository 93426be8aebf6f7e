/** `-p key=value`, given any number of times. */

import { InvalidArgumentError } from "commander";

export const collectParam = (text: string, params: Record<string, string> = {}): Record<string, string> => {
	const equals = text.indexOf("=");
	if (equals < 1) throw new InvalidArgumentError("Expected key=value.");
	return { ...params, [text.slice(0, equals)]: text.slice(equals + 1) };
};
