/** The one error table: every failure of ours that leaves a process carries a code from here. docs/errors.md lists the same. */

export interface ErrorEntry {
	readonly http: number;
	/** Name of the gRPC status. */
	readonly grpc: string;
	/** Exit code of the CLI. */
	readonly exit: number;
	/** Whether the same call may succeed later. */
	readonly retryable: boolean;
	readonly meaning: string;
}

const entry = (http: number, grpc: string, exit: number, retryable: boolean, meaning: string): ErrorEntry => ({
	http,
	grpc,
	exit,
	retryable,
	meaning,
});

export const errorTable = {
	RM_BAD_INPUT: entry(
		400,
		"INVALID_ARGUMENT",
		2,
		false,
		"An argument, option or request body is not what was expected.",
	),
	RM_PIPELINE_INVALID: entry(
		422,
		"INVALID_ARGUMENT",
		2,
		false,
		"The pipeline file has errors; each is listed with its line and column.",
	),
	RM_UNAUTHENTICATED: entry(401, "UNAUTHENTICATED", 6, false, "No valid token came with the call."),
	RM_NOT_FOUND: entry(404, "NOT_FOUND", 3, false, "Nothing of that name or id is known."),
	RM_AMBIGUOUS: entry(409, "FAILED_PRECONDITION", 2, false, "A short id fits more than one run."),
	RM_CONFLICT: entry(409, "FAILED_PRECONDITION", 4, false, "The present state does not allow it."),
	RM_ALREADY_UP: entry(
		409,
		"FAILED_PRECONDITION",
		4,
		false,
		"A mesh, coordinator or agent already runs on this home, or an agent of this id elsewhere.",
	),
	RM_TOO_LARGE: entry(413, "RESOURCE_EXHAUSTED", 2, false, "Larger than the limit named in the message."),
	RM_UNAVAILABLE: entry(503, "UNAVAILABLE", 5, true, "The coordinator, NATS or a peer can't be reached now."),
	RM_NOT_LEADER: entry(503, "UNAVAILABLE", 5, true, "This coordinator does not lead now; another will."),
	RM_DISK_FULL: entry(507, "RESOURCE_EXHAUSTED", 7, true, "No space is left on the disk named in the message."),
	RM_PORT_IN_USE: entry(
		500,
		"FAILED_PRECONDITION",
		7,
		true,
		"Another program listens on the port named in the message.",
	),
	RM_NATS_SERVER_MISSING: entry(
		500,
		"FAILED_PRECONDITION",
		7,
		false,
		"No nats-server could be found or fetched; the message names the ways to get one.",
	),
	RM_BLOB_CORRUPT: entry(500, "DATA_LOSS", 8, true, "Bytes do not match their digest; they were set aside."),
	RM_UNSAFE_PATH: entry(400, "INVALID_ARGUMENT", 2, false, "A path leads outside its tree."),
	RM_MODEL_INVALID: entry(
		400,
		"FAILED_PRECONDITION",
		2,
		false,
		"A model was refused; the message says which check failed.",
	),
	RM_JOURNAL_INVALID: entry(
		500,
		"DATA_LOSS",
		8,
		false,
		"The journal can't be read: newer than this release, or not ours.",
	),
	RM_INTERNAL: entry(500, "INTERNAL", 70, false, "A defect in runmesh: please report it with the message."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorTable, text);

/** An error for people: what went wrong, where, and in `hint` what to do about it. */
export class RunmeshError extends Error {
	readonly code: ErrorCode;
	readonly hint: string | undefined;
	/** Structured facts for programs, such as the list of a pipeline file's problems. */
	readonly details: unknown;

	constructor(code: ErrorCode, message: string, more: { hint?: string; details?: unknown; cause?: unknown } = {}) {
		super(message, more.cause === undefined ? undefined : { cause: more.cause });
		this.name = "RunmeshError";
		this.code = code;
		this.hint = more.hint;
		this.details = more.details;
	}
}

/** Whatever was thrown. */
export const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Names the system's own errors that a person can act on; anything unforeseen is RM_INTERNAL. */
export const toRunmeshError = (error: unknown): RunmeshError => {
	if (error instanceof RunmeshError) return error;
	const cause = asError(error);
	const { code, path, port } = cause as NodeJS.ErrnoException & { port?: number };
	if (code === "ENOSPC" || code === "EDQUOT") {
		return new RunmeshError("RM_DISK_FULL", `no space left on the disk${path ? ` that holds ${path}` : ""}`, {
			hint: "free some space, or set RUNMESH_HOME to a larger disk",
			cause,
		});
	}
	if (code === "EADDRINUSE") {
		return new RunmeshError("RM_PORT_IN_USE", `port ${port ?? "?"} is in use by another program`, {
			hint: "choose another port, or 0 for any free one",
			cause,
		});
	}
	return new RunmeshError("RM_INTERNAL", cause.message, { cause });
};
