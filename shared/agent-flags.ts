/**
 * The flags of the agent process, all of them. The agent reads its options by this table, from flags, the environment
 * and `<home>/agent.json`; `runmesh agent start`, `join` and `install` offer them; docs/operations.md lists them.
 */

/** How the text of a flag is read: agent-flag-values.ts. */
export type FlagKind =
	| "text"
	| "choice"
	| "port"
	/** A whole number, 0 too. */
	| "count"
	/** Thousandths of a core. */
	| "cpu"
	/** Bytes. */
	| "size"
	/** Milliseconds. */
	| "duration"
	/** Given or not. */
	| "switch"
	/** With commas between, and as often as wanted. */
	| "list"
	/** name=value, with commas between, and as often as wanted. */
	| "pairs";

export interface AgentFlag {
	readonly group: FlagGroup;
	readonly kind: FlagKind;
	/** What its value is called in the help, such as "host:port" or "finish|pause|stop"; "" for a switch. */
	readonly value: string;
	/** As it would be typed; null where there is none, or where another flag, the mesh or the host gives it. */
	readonly default: string | null;
	readonly choices?: readonly string[];
	/** Unless it is RUNMESH_AGENT_<NAME>. */
	readonly env?: string;
	/** One line, without a full stop. */
	readonly help: string;
}

export type FlagGroup = "mesh" | "machine" | "owner" | "steps" | "life";

/** In the order of the help. */
export const flagGroups: Readonly<Record<FlagGroup, string>> = {
	mesh: "The mesh",
	machine: "This machine",
	owner: "What its owner wants",
	steps: "The steps that run here",
	life: "How long it stays",
};

export const agentFlags = {
	nats: {
		...{ group: "mesh", kind: "list", value: "url", default: null, env: "RUNMESH_NATS" },
		help: "NATS of the mesh; nats://127.0.0.1:4222 where nothing says another",
	},
	coordinator: {
		...{ group: "mesh", kind: "text", value: "host:port", default: null, env: "RUNMESH_COORDINATOR" },
		help: "gRPC of the coordinator; 127.0.0.1:7401 where nothing says another",
	},
	name: {
		...{ group: "mesh", kind: "text", value: "name", default: null },
		help: "name of the agent; without one, this host's with four characters, kept with the home",
	},
	host: {
		...{ group: "mesh", kind: "text", value: "host", default: "127.0.0.1", env: "RUNMESH_HOST" },
		help: "address to listen on",
	},
	advertise: {
		...{ group: "mesh", kind: "text", value: "host", default: null, env: "RUNMESH_ADVERTISE" },
		help: "address that others reach it at; that of --host, or the first of this machine's where that is every address",
	},
	"grpc-port": {
		...{ group: "mesh", kind: "port", value: "port", default: "7402", env: "RUNMESH_AGENT_GRPC_PORT" },
		help: "gRPC for other agents; 0 takes any free port",
	},
	"serving-port": {
		...{ group: "mesh", kind: "port", value: "port", default: "8000", env: "RUNMESH_SERVING_PORT" },
		help: "inference; 0 takes any free port",
	},
	labels: {
		...{ group: "machine", kind: "pairs", value: "name=value", default: null },
		help: "what a step's labels are compared with",
	},
	cpu: {
		...{ group: "machine", kind: "cpu", value: "cores", default: null },
		help: "cores that it offers at most, such as 2 or 1500m",
	},
	memory: {
		...{ group: "machine", kind: "size", value: "size", default: null },
		help: "memory that it offers at most, such as 4Gi",
	},
	disk: {
		...{ group: "machine", kind: "size", value: "size", default: null },
		help: "disk that its folder takes at most, such as 100Gi",
	},
	"min-free-disk": {
		...{ group: "machine", kind: "size", value: "size", default: null },
		help: "disk that stays free; without it 1Gi or 2 % of the disk, whichever is more, and never more than a quarter",
	},
	resource: {
		...{ group: "machine", kind: "pairs", value: "name=count", default: null },
		help: "what else it has, and how many, such as license.matlab=2",
	},
	gpus: {
		...{ group: "machine", kind: "list", value: "gpus", default: null },
		help: "GPUs that it offers, by number or id, such as 0,2 or GPU-4f1c…; none; without it all",
	},
	"gpu-over-budget": {
		...{ group: "machine", kind: "choice", value: "stop|warn|ignore", default: "stop" },
		choices: ["stop", "warn", "ignore"],
		help: "what becomes of an attempt that uses more GPU memory than it asked for, or a GPU it was not given",
	},
	"gpu-interval": {
		...{ group: "machine", kind: "duration", value: "time", default: "5s" },
		help: "time between looks at the GPUs while steps use them; six times that while none does",
	},
	reserve: {
		...{ group: "owner", kind: "pairs", value: "what=amount", default: null },
		help: "kept for the owner: cpu=2,memory=4Gi,disk=50Gi, or some of them",
	},
	others: {
		...{ group: "owner", kind: "choice", value: "subtract|ignore", default: "subtract", env: "RUNMESH_OTHERS" },
		choices: ["subtract", "ignore"],
		help: "whether what others on the machine use is subtracted from what it offers",
	},
	available: {
		...{ group: "owner", kind: "text", value: "times", default: null },
		help: 'when it takes work, by the clock on the wall: "Mon-Fri 19:00-08:00, Sat-Sun"',
	},
	"yield-to-owner": {
		...{ group: "owner", kind: "duration", value: "time", default: null },
		help: "takes no work until nobody has typed at this machine for so long, such as 10m",
	},
	"on-close": {
		...{ group: "owner", kind: "choice", value: "finish|pause|stop", default: "finish" },
		choices: ["finish", "pause", "stop"],
		help: "what becomes of running attempts when the owner takes the machine back",
	},
	"log-file": {
		...{ group: "machine", kind: "text", value: "path", default: null },
		help: "writes its own log there, in files of 10 MB of which it keeps 5, and not to standard error",
	},
	"pass-env": {
		...{ group: "steps", kind: "list", value: "names", default: null },
		help: "variables of the agent's own environment that steps see too, such as AWS_PROFILE,WANDB_MODE",
	},
	"container-engine": {
		...{ group: "steps", kind: "choice", value: "auto|docker|podman|none", default: "auto" },
		choices: ["auto", "docker", "podman", "none"],
		help: "what runs steps with an image; auto takes docker, or podman, whichever answers first",
	},
	"environment-timeout": {
		...{ group: "steps", kind: "duration", value: "time", default: "30m" },
		help: "time to make the environment that a step's packages are in",
	},
	"environments-max": {
		...{ group: "steps", kind: "size", value: "size", default: "20Gi" },
		help: "disk that such environments take; those unused for the longest time go first",
	},
	once: {
		...{ group: "life", kind: "switch", value: "", default: null },
		help: "takes one task, and leaves the mesh when it is done",
	},
	"idle-exit": {
		...{ group: "life", kind: "duration", value: "time", default: null },
		help: "leaves the mesh when it had nothing to do for so long, such as 10m",
	},
	limits: {
		...{ group: "steps", kind: "choice", value: "auto|watch|off", default: "auto" },
		choices: ["auto", "watch", "off"],
		help: "how steps are kept to what they declare: by control groups where the host lets it, by watching them, or not",
	},
	"max-processes": {
		...{ group: "steps", kind: "count", value: "number", default: "4096" },
		help: "processes that one step may run at once, 0 for any number; one with more is killed",
	},
} as const satisfies Record<string, AgentFlag>;

export type AgentFlagName = keyof typeof agentFlags;

export const agentFlagNames = Object.keys(agentFlags) as AgentFlagName[];

export const isAgentFlag = (name: string): name is AgentFlagName => Object.hasOwn(agentFlags, name);

export const agentFlag = (name: AgentFlagName): AgentFlag => agentFlags[name];

/** The environment variable that stands for a flag. */
export const flagVariable = (name: AgentFlagName): string =>
	agentFlag(name).env ?? `RUNMESH_AGENT_${name.toUpperCase().replaceAll("-", "_")}`;
