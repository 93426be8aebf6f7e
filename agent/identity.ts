/** The agent's id: its first name made safe, kept with its home, so that a renamed agent is still the same. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { RunmeshError } from "#shared/errors.ts";
import { type AgentId, isName } from "#shared/ids.ts";

export const agentIdentity = (folder: string, name: string): AgentId => {
	const path = `${folder}/agent-id`;
	const kept = readText(path).trim();
	if (isName(kept)) return kept as AgentId;
	const id = safeName(name);
	writeFileSync(`${path}.new`, `${id}\n`, { mode: 0o600 });
	renameSync(`${path}.new`, path);
	return id;
};

const safeName = (name: string): AgentId => {
	const safe = name
		.replace(/[^A-Za-z0-9_-]+/g, "-")
		.replace(/^[-_]+/, "")
		.slice(0, 63);
	if (isName(safe)) return safe as AgentId;
	throw new RunmeshError("RM_BAD_INPUT", `"${name}" can't name an agent`, { hint: "give one with --name" });
};

const readText = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
};
