/**
 * What an agent is started with, resolved once: its flags (the table in shared/agent-flags.ts), the environment,
 * `<home>/agent.json`, the running mesh's file, defaults; each goes before those behind it.
 */

import { parseArgs } from "node:util";
import { readAgentFile } from "#shared/agent-file.ts";
import { type AgentFlagValues, propertyOf, readFlag } from "#shared/agent-flag-values.ts";
import { type AgentFlagName, agentFlag, agentFlagNames, flagVariable, isAgentFlag } from "#shared/agent-flags.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { isName } from "#shared/ids.ts";
import { readMesh } from "#shared/mesh.ts";
import { reachableHost } from "#shared/reachable-host.ts";
import { type OwnerTerms, ownerTerms } from "./owner/terms.ts";

/** The values of all flags; of some, with what stands in for them where nothing was given. */
export interface AgentOptions extends AgentFlagValues {
	readonly home: Home;
	/** host:port of the coordinator's gRPC. */
	readonly coordinator: string;
	/** What peers dial. */
	readonly advertise: string;
	readonly owner: OwnerTerms;
}

/** The texts given for a flag, and where, for a message about them. */
interface Given {
	texts: readonly string[];
	where: string;
}

export const resolveOptions = (argv: string[], env: NodeJS.ProcessEnv = process.env): AgentOptions => {
	const { home: root, ...flags } = parseFlags(argv);
	const home = resolveHome(root?.[0] ?? (env.RUNMESH_HOME || undefined));
	const file = readAgentFile(home);
	const given = (name: AgentFlagName): Given => {
		const variable = flagVariable(name);
		const fallback = agentFlag(name).default;
		const inFlags = flags[name];
		if (inFlags) return { texts: inFlags, where: `--${name}` };
		if (env[variable]) return { texts: [env[variable]], where: variable };
		const inFile = file?.texts[name];
		if (file && inFile) return { texts: inFile, where: `"${name}" in ${file.path}:` };
		return { texts: fallback === null ? [] : [fallback], where: `--${name}` };
	};
	const values = Object.fromEntries(
		agentFlagNames.map((name) => {
			const { texts, where } = given(name);
			return [propertyOf(name), readFlag(name, texts, where)];
		}),
	) as unknown as AgentFlagValues;

	const mesh = readMesh(home);
	const { host, nats, coordinator, advertise, labels, passEnv } = values;
	checkLabels(labels);
	checkVariables(passEnv);
	return Object.freeze<AgentOptions>({
		...values,
		home,
		nats: nats.length > 0 ? nats : [mesh?.nats ?? "nats://127.0.0.1:4222"],
		coordinator: hostAndPort(coordinator ?? mesh?.grpc ?? "127.0.0.1:7401"),
		owner: ownerTerms(values),
		advertise: advertise ?? reachableHost(host),
	});
};

const parseFlags = (argv: string[]): Partial<Record<AgentFlagName | "home", string[]>> => {
	const known = Object.fromEntries(
		[...agentFlagNames, "home"].map((name) => {
			const isSwitch = isAgentFlag(name) && agentFlag(name).kind === "switch";
			return [name, { type: isSwitch ? "boolean" : "string", multiple: true } as const];
		}),
	);
	try {
		const { values } = parseArgs({ args: argv, options: known, strict: true, allowPositionals: false });
		return Object.fromEntries(Object.entries(values).map(([name, texts]) => [name, (texts ?? []).map(String)]));
	} catch (cause) {
		const names = Object.keys(known).map((flag) => `--${flag}`);
		throw new RunmeshError("RM_BAD_INPUT", (cause as Error).message, { hint: `known are ${names.join(", ")}`, cause });
	}
};

const hostAndPort = (text: string): string => {
	if (/^.+:\d{1,5}$/.test(text)) return text;
	throw new RunmeshError("RM_BAD_INPUT", `--coordinator ${text} is no host:port`, { hint: "such as 10.0.0.5:7401" });
};

const checkLabels = (labels: Readonly<Record<string, string>>): void => {
	const wrong = Object.keys(labels).find((name) => !isName(name));
	if (wrong === undefined) return;
	throw new RunmeshError("RM_BAD_INPUT", `the label "${wrong}" is no name`, {
		hint: "letters, digits, - and _, beginning with a letter or digit",
	});
};

/** What is ours is set for each step, or is a secret that no step must see. */
const checkVariables = (names: readonly string[]): void => {
	const wrong = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.startsWith("RUNMESH_"));
	if (wrong === undefined) return;
	throw new RunmeshError("RM_BAD_INPUT", `--pass-env: ${JSON.stringify(wrong)} can't be passed to steps`, {
		hint: "name environment variables, but none that begins with RUNMESH_",
	});
};
