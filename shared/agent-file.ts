/** `<home>/agent.json`: the flags of this home's agent that need not be typed. `agent join` writes it, people edit it. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type AgentFlagName, agentFlag, agentFlagNames, isAgentFlag } from "./agent-flags.ts";
import { RunmeshError } from "./errors.ts";
import type { Home } from "./home.ts";
import { didYouMean } from "./pipeline/near.ts";

type FlagTexts = Partial<Record<AgentFlagName, readonly string[]>>;

export interface AgentFile {
	path: string;
	/** As they would be typed. */
	texts: FlagTexts;
}

/** null when the home has none. */
export const readAgentFile = ({ agentFile: path }: Home): AgentFile | null => {
	const text = readText(path);
	return text === null ? null : { path, texts: textsOf(path, parse(path, text)) };
};

const readText = (path: string): string | null => {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw new RunmeshError("RM_BAD_INPUT", `${path} can't be read: ${(error as Error).message}`);
	}
};

const EXAMPLE = 'write it as {"cpu": 6, "labels": {"zone": "lab"}}';

const parse = (path: string, text: string): object => {
	try {
		const value: unknown = JSON.parse(text);
		if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
	} catch (error) {
		throw new RunmeshError("RM_BAD_INPUT", `${path} is not JSON: ${(error as Error).message}`, { hint: EXAMPLE });
	}
	throw new RunmeshError("RM_BAD_INPUT", `${path} holds no object`, { hint: EXAMPLE });
};

const textsOf = (path: string, file: object): FlagTexts => {
	const texts: FlagTexts = {};
	for (const [name, value] of Object.entries(file)) {
		if (!isAgentFlag(name)) {
			throw new RunmeshError("RM_BAD_INPUT", `${path} has the unknown key "${name}"`, {
				hint: didYouMean(name, agentFlagNames) || "its keys are the flags of `runmesh agent start --help`",
			});
		}
		texts[name] = asTexts(path, name, value);
	}
	return texts;
};

const asTexts = (path: string, name: AgentFlagName, value: unknown): string[] => {
	const { kind } = agentFlag(name);
	if (kind === "pairs" && value !== null && typeof value === "object" && !Array.isArray(value)) {
		return Object.entries(value).map(([key, of]) => `${key}=${of}`);
	}
	const many = Array.isArray(value) ? value : [value];
	const single = kind !== "list" && kind !== "pairs";
	if (many.some((one) => !isPlain(one)) || (single && many.length !== 1)) {
		throw new RunmeshError("RM_BAD_INPUT", `"${name}" in ${path}: ${JSON.stringify(value)} can't be read`, {
			hint: single ? "give one text or number" : "give a list of texts",
		});
	}
	return many.map(String);
};

const isPlain = (value: unknown): boolean => ["string", "number", "boolean"].includes(typeof value);

/** Whole or not at all. */
export const writeAgentFile = (home: Home, values: Readonly<Record<string, unknown>>): void => {
	mkdirSync(home.root, { recursive: true, mode: 0o700 });
	const staged = `${home.agentFile}.${process.pid}`;
	writeFileSync(staged, `${JSON.stringify(values, null, "\t")}\n`, { mode: 0o600 });
	renameSync(staged, home.agentFile);
};
