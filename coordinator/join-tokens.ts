/** Join tokens on their way in and out: secrets are made and compared here, the journal has their hashes alone. */

import { createHash, randomBytes, randomInt } from "node:crypto";
import type { JoinTokenRequest, JoinTokenView } from "#shared/api.ts";
import type { Clock } from "#shared/clock.ts";
import { sameSecret } from "#shared/credentials.ts";
import { RunmeshError } from "#shared/errors.ts";
import { base32 } from "#shared/ids.ts";
import type { Input } from "./core/inputs.ts";
import type { JoinToken, MeshState } from "./core/state.ts";
import { hasUsed, isExpired, TOKENS_MAX } from "./core/tokens.ts";

export interface JoinTokenCommands {
	/** The answer alone has the secret. */
	issueJoinToken(request: JoinTokenRequest, by: string): Promise<JoinTokenView>;
	/** Those that have not expired, the newest last. */
	joinTokens(): JoinTokenView[];
	revokeJoinToken(id: string, by: string): Promise<void>;
	/** Whoever gets an answer may join. */
	redeemJoinToken(token: string, host: string): Promise<void>;
}

const SECRET_BYTES = 24;
const ID_LENGTH = 6;
const NOBODY = "0".repeat(64);

export const createJoinTokenCommands = (
	{ joinTokens }: MeshState,
	take: (input: Input) => Promise<void>,
	clock: Clock,
): JoinTokenCommands => ({
	issueJoinToken: async ({ ttlMs, uses }, by) => {
		const tokenId = base32(randomInt(32 ** ID_LENGTH), ID_LENGTH);
		const secret = randomBytes(SECRET_BYTES).toString("base64url");
		await take({ kind: "issueJoinToken", tokenId, secretHash: hashOf(secret), ttlMs, uses, by });
		const issued = joinTokens.get(tokenId);
		if (issued?.secretHash === hashOf(secret)) return { ...viewOf(tokenId, issued), token: `${tokenId}.${secret}` };
		throw new RunmeshError("RM_CONFLICT", `${TOKENS_MAX} join tokens can be used as it is`, {
			hint: "revoke some of them: `runmesh token ls`, `runmesh token revoke`",
		});
	},
	joinTokens: () =>
		[...joinTokens].filter(([, token]) => !isExpired(token, clock.nowMs())).map(([id, token]) => viewOf(id, token)),
	revokeJoinToken: async (tokenId, by) => {
		if (!joinTokens.has(tokenId)) throw new RunmeshError("RM_NOT_FOUND", `no join token "${tokenId}"`);
		await take({ kind: "revokeJoinToken", tokenId, by });
	},
	redeemJoinToken: async (token, host) => {
		const [tokenId = "", secret = ""] = token.split(".", 2);
		const known = joinTokens.get(tokenId);
		// As long for one that is not known.
		const isRight = sameSecret(hashOf(secret), known?.secretHash ?? NOBODY);
		if (!known || !isRight) throw refused();
		const useId = randomBytes(9).toString("base64url");
		await take({ kind: "useJoinToken", tokenId, useId, host });
		if (!hasUsed(joinTokens.get(tokenId), useId)) throw refused();
	},
});

const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** One answer, whatever is wrong with it: who has no token learns nothing. */
const refused = (): RunmeshError =>
	new RunmeshError("RM_UNAUTHENTICATED", "the join token does not let this machine in", {
		hint: "it may be mistyped, expired, revoked or used up; make a new one with `runmesh token create`",
	});

const viewOf = (id: string, { expiresAtMs, uses, by, used }: JoinToken): JoinTokenView => ({
	id,
	expiresAtMs,
	uses,
	used: used.length,
	by,
	hosts: used.map(({ host }) => host),
});
