/**
 * The agent's id, made at its first start and kept with its home, so that a renamed agent is still the same: the name
 * it was given, or this host's with a few random characters, for two homes on hosts of one name are two agents.
 */

import { randomInt } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { RunmeshError } from "#shared/errors.ts";
import { type AgentId, base32, isName } from "#shared/ids.ts";

/** `name` is null where none was given. */
export const agentIdentity = (folder: string, name: string | null): AgentId => {
	const path = `${folder}/agent-id`;
	const kept = readText(path).trim();
	if (isName(kept)) return kept as AgentId;
	const id = name === null ? hostIdentity() : givenIdentity(name);
	writeFileSync(`${path}.new`, `${id}\n`, { mode: 0o600 });
	renameSync(`${path}.new`, path);
	return id;
};

const LONGEST = 63;
const TAIL_LENGTH = 4;

const hostIdentity = (): AgentId => {
	const tail = base32(randomInt(32 ** TAIL_LENGTH), TAIL_LENGTH);
	const host = madeSafe(hostname()).slice(0, LONGEST - TAIL_LENGTH - 1) || "agent";
	return `${host}-${tail}` as AgentId;
};

const givenIdentity = (name: string): AgentId => {
	const safe = madeSafe(name).slice(0, LONGEST);
	if (isName(safe)) return safe as AgentId;
	throw new RunmeshError("RM_BAD_INPUT", `"${name}" can't name an agent`, { hint: "give one with --name" });
};

const madeSafe = (name: string): string => name.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+/, "");

const readText = (path: string): string => {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
		throw error;
	}
};
