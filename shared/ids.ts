/** Branded identifiers: a run id can't be passed where an agent id is wanted. */

declare const brand: unique symbol;
type Brand<B extends string> = string & { readonly [brand]: B };

export type RunId = Brand<"RunId">;
export type AgentId = Brand<"AgentId">;
export type AttemptId = Brand<"AttemptId">;
/** "train", or "train.3" for the fourth cell of a matrix. */
export type StepKey = Brand<"StepKey">;
/** "sha256:<64 hex digits>". */
export type Digest = Brand<"Digest">;

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const ATTEMPT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63}){0,12}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

export const isDigest = (text: string): text is Digest => DIGEST.test(text);

/** An attempt's id as it comes from outside: safe as a file name. */
export const isAttemptId = (text: string): text is AttemptId => ATTEMPT.test(text);

/** Names of agents, steps, outputs, models: safe in a path, a NATS subject and a shell. */
export const isName = (text: string): boolean => NAME.test(text);

/** The id of a step's nth attempt is derived, so that replay and retries agree on it. */
export const attemptId = (run: RunId, step: StepKey, attemptNumber: number): AttemptId =>
	`${run}.${step}.${attemptNumber}` as AttemptId;

/** By which the member of that rank goes of an attempt on several agents: it has a record and a log of its own. */
export const memberId = (id: AttemptId, rank: number): AttemptId => (rank === 0 ? id : (`${id}.r${rank}` as AttemptId));

/** The attempt that a member is a part of. */
export const attemptOfMember = (id: AttemptId): AttemptId => id.replace(/\.r\d+$/, "") as AttemptId;

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** The last `length` digits of a whole number: letters and numerals that sort as it does. */
export const base32 = (value: number, length: number): string => {
	let text = "";
	for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) {
		text = ALPHABET.charAt(rest % 32) + text;
	}
	return text;
};

/** Sorts by time of submission; the random tail keeps two in one millisecond apart. `random` is in [0, 1). */
export const newRunId = (atMs: number, random: number): RunId =>
	`r${base32(atMs, 9)}${base32(Math.floor(random * 32 ** 4), 4)}` as RunId;
