/** What the agent's flags hold: read from the texts that people write, by the kind that the table gives each. */

import { type AgentFlag, type AgentFlagName, agentFlag, type agentFlags } from "./agent-flags.ts";
import { RunmeshError } from "./errors.ts";
import { parseBytes, parseCpu, parseDuration } from "./pipeline/units.ts";

interface ValueOf {
	text: string;
	choice: string;
	port: number;
	count: number;
	cpu: number;
	size: number;
	duration: number;
	switch: boolean;
	list: readonly string[];
	pairs: Readonly<Record<string, string>>;
}

type Read<F extends AgentFlag> = F extends { choices: readonly (infer Choice)[] } ? Choice : ValueOf[F["kind"]];
/** Lists and switches are never missing, only empty or off. */
type Given<F extends AgentFlag> =
	| Read<F>
	| (F["default"] extends null ? (F["kind"] extends "list" | "pairs" | "switch" ? never : null) : never);
type Camel<S extends string> = S extends `${infer Head}-${infer Rest}` ? `${Head}${Capitalize<Camel<Rest>>}` : S;

/** Of every flag its value, under its name as a property: "grpc-port" is grpcPort. */
export type AgentFlagValues = {
	readonly [Name in AgentFlagName as Camel<Name>]: Given<(typeof agentFlags)[Name]>;
};

export type FlagValue = ValueOf[keyof ValueOf] | null;

export const propertyOf = (name: string): string =>
	name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The texts as given in one place, which `where` names: "--cpu", "cpu in /home/me/.runmesh/agent.json". */
export const readFlag = (name: AgentFlagName, texts: readonly string[], where: string): FlagValue => {
	const flag = agentFlag(name);
	if (flag.kind === "list") return entries(texts);
	if (flag.kind === "pairs") return pairs(texts, where);
	if (flag.kind === "switch" && texts.length === 0) return false;
	const text = texts.at(-1);
	return text === undefined ? null : readOne(flag, text, where);
};

const readOne = (flag: AgentFlag, text: string, where: string): FlagValue => {
	switch (flag.kind) {
		case "port":
			return whole(text, 65_535) ?? refuse(where, text, "is no port", "give 0 to 65535; 0 takes a free one");
		case "count":
			return whole(text, 1_000_000) ?? refuse(where, text, "is no whole number", "write it as 0 or 5");
		case "cpu":
			return positive(parseCpu(text)) ?? refuse(where, text, "can't be read", "write it as 2 or 1500m");
		case "size":
			return positive(parseBytes(text)) ?? refuse(where, text, "can't be read", "write it as 4Gi or 512Mi");
		case "duration":
			return positive(parseDuration(text)) ?? refuse(where, text, "can't be read", "write it as 10m or 1h30m");
		case "choice":
			return flag.choices?.includes(text)
				? text
				: refuse(where, text, "is none of its values", `it is ${flag.choices?.join(" or ")}`);
		case "switch":
			return switches[text] ?? refuse(where, text, "is neither yes nor no", "write true or false");
		default:
			return text !== "" ? text : refuse(where, text, "is empty", `give a ${flag.value}`);
	}
};

const switches: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false };

const refuse = (where: string, text: string, why: string, hint: string): never => {
	throw new RunmeshError("RM_BAD_INPUT", `${where} ${JSON.stringify(text)} ${why}`, { hint });
};

const whole = (text: string, max: number): number | null =>
	/^\d{1,9}$/.test(text) && Number(text) <= max ? Number(text) : null;

const positive = (value: number | null): number | null => (value !== null && value > 0 ? value : null);

const entries = (texts: readonly string[]): string[] =>
	texts
		.flatMap((text) => text.split(","))
		.map((entry) => entry.trim())
		.filter((entry) => entry !== "");

const PAIR = /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})=(.*)$/;

/** `--labels zone=lab --labels disk=nvme`, or both with a comma between. */
const pairs = (texts: readonly string[], where: string): Record<string, string> => {
	const found: Record<string, string> = {};
	for (const entry of entries(texts)) {
		const [, name, value] = PAIR.exec(entry) ?? [];
		if (name === undefined || value === undefined) {
			return refuse(where, entry, "can't be read", "write it as name=value");
		}
		found[name] = value;
	}
	return found;
};
