/** Join tokens as they come, are used and go. What has expired is dropped when the next one is issued. */

import type { JoinTokenIssued, JoinTokenRevoked, JoinTokenUsed } from "../events.ts";
import type { MeshState } from "../state.ts";

export const applyJoinTokenIssued = ({ joinTokens }: MeshState, event: JoinTokenIssued): void => {
	const { tokenId, secretHash, expiresAtMs, uses, by, atMs } = event;
	for (const [id, token] of joinTokens) if (token.expiresAtMs <= atMs) joinTokens.delete(id);
	joinTokens.set(tokenId, { secretHash, expiresAtMs, uses, by, used: [] });
};

export const applyJoinTokenUsed = ({ joinTokens }: MeshState, { tokenId, useId, host }: JoinTokenUsed): void => {
	joinTokens.get(tokenId)?.used.push({ useId, host });
};

export const applyJoinTokenRevoked = ({ joinTokens }: MeshState, { tokenId }: JoinTokenRevoked): void => {
	joinTokens.delete(tokenId);
};
