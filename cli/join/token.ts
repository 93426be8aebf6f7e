/** The join token, by the ways that keep it out of the list of processes too. */

import { RunmeshError } from "#shared/errors.ts";

const LONGEST = 4_096;

/** `given` is the flag: the token itself, or "-" for standard input; without it RUNMESH_JOIN_TOKEN. */
export const readJoinToken = async (
	given: string | undefined,
	env: NodeJS.ProcessEnv,
	stdin: AsyncIterable<Buffer | string>,
): Promise<string> => {
	const token = given === "-" ? await readAll(stdin) : (given ?? env.RUNMESH_JOIN_TOKEN ?? "");
	if (token.trim() !== "") return token.trim();
	throw new RunmeshError("RM_BAD_INPUT", "no join token was given", {
		hint: "make one on a machine of the mesh with `runmesh token create`; give it with --token, RUNMESH_JOIN_TOKEN or, with --token -, on standard input",
	});
};

const readAll = async (stdin: AsyncIterable<Buffer | string>): Promise<string> => {
	let text = "";
	for await (const chunk of stdin) {
		text += chunk.toString();
		if (text.length > LONGEST) throw new RunmeshError("RM_TOO_LARGE", "what standard input says is no join token");
	}
	return text;
};
