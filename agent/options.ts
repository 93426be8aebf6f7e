/** What an agent is started with: flags, the environment, the running mesh's file, defaults; resolved once. */

import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { RunmeshError } from "#shared/errors.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { isName } from "#shared/ids.ts";
import { readMesh } from "#shared/mesh.ts";
import { parseBytes, parseCpu } from "#shared/pipeline/units.ts";

export interface AgentOptions {
	readonly home: Home;
	readonly nats: readonly string[];
	/** host:port of the coordinator's gRPC. */
	readonly coordinator: string;
	/** null where none was given. */
	readonly name: string | null;
	/** Listened on. */
	readonly host: string;
	/** What peers dial. */
	readonly advertise: string;
	readonly grpcPort: number;
	readonly servingPort: number;
	readonly labels: Readonly<Record<string, string>>;
	/** What the owner gives at most; null gives all there is. */
	readonly cpuMillis: number | null;
	readonly memoryBytes: number | null;
}

const flags = {
	nats: { type: "string" },
	coordinator: { type: "string" },
	name: { type: "string" },
	home: { type: "string" },
	host: { type: "string", default: "127.0.0.1" },
	advertise: { type: "string" },
	"grpc-port": { type: "string", default: "7402" },
	"serving-port": { type: "string", default: "8000" },
	labels: { type: "string", multiple: true, default: [] as string[] },
	cpu: { type: "string" },
	memory: { type: "string" },
} as const;

export const resolveOptions = (argv: string[], env: NodeJS.ProcessEnv = process.env): AgentOptions => {
	const given = parseFlags(argv);
	const home = resolveHome(given.home ?? env.RUNMESH_HOME);
	const mesh = readMesh(home);
	return Object.freeze<AgentOptions>({
		home,
		nats: (given.nats ?? mesh?.nats ?? "nats://127.0.0.1:4222").split(","),
		coordinator: hostAndPort(given.coordinator ?? mesh?.grpc ?? "127.0.0.1:7401"),
		name: given.name ?? null,
		host: given.host,
		advertise: given.advertise ?? (isAnyAddress(given.host) ? hostname() : given.host),
		grpcPort: port("grpc-port", given["grpc-port"]),
		servingPort: port("serving-port", given["serving-port"]),
		labels: Object.freeze(parseLabels(given.labels)),
		cpuMillis: given.cpu === undefined ? null : quantity("cpu", given.cpu, parseCpu, "2 or 1500m"),
		memoryBytes: given.memory === undefined ? null : quantity("memory", given.memory, parseBytes, "4Gi or 512Mi"),
	});
};

const parseFlags = (argv: string[]) => {
	try {
		return parseArgs({ args: argv, options: flags, strict: true, allowPositionals: false }).values;
	} catch (cause) {
		const known = Object.keys(flags).map((flag) => `--${flag}`);
		throw new RunmeshError("RM_BAD_INPUT", (cause as Error).message, { hint: `known are ${known.join(", ")}`, cause });
	}
};

const isAnyAddress = (host: string): boolean => host === "0.0.0.0" || host === "::";

const port = (flag: string, text: string): number => {
	const value = Number(text);
	if (/^\d+$/.test(text) && value <= 65_535) return value;
	throw new RunmeshError("RM_BAD_INPUT", `--${flag} ${text} is no port`, {
		hint: "give 0 to 65535; 0 takes a free one",
	});
};

const hostAndPort = (text: string): string => {
	if (/^.+:\d{1,5}$/.test(text)) return text;
	throw new RunmeshError("RM_BAD_INPUT", `--coordinator ${text} is no host:port`, { hint: "such as 10.0.0.5:7401" });
};

const quantity = (flag: string, text: string, parse: (text: string) => number | null, example: string): number => {
	const value = parse(text);
	if (value !== null && value > 0) return value;
	throw new RunmeshError("RM_BAD_INPUT", `--${flag} ${text} can't be read`, { hint: `write it as ${example}` });
};

/** `--labels zone=lab --labels disk=nvme`, or both with a comma between. */
const parseLabels = (texts: readonly string[]): Record<string, string> => {
	const labels: Record<string, string> = {};
	for (const text of texts.flatMap((list) => list.split(",")).filter((entry) => entry !== "")) {
		const [name = "", ...value] = text.split("=");
		if (!isName(name) || value.length === 0) {
			throw new RunmeshError("RM_BAD_INPUT", `the label "${text}" can't be read`, { hint: "write it as name=value" });
		}
		labels[name] = value.join("=");
	}
	return labels;
};
