/** Tokens by which machines join: used at most as often as was said, and never late, whoever leads. */

import type { Input } from "./inputs.ts";
import type { JoinToken } from "./state.ts";
import { emit, type Turn } from "./turn.ts";

/** More that could still be used are not issued. */
export const TOKENS_MAX = 1_000;

type Asked<Kind extends Input["kind"]> = Extract<Input, { kind: Kind }>;

export const issueJoinToken = (turn: Turn, asked: Asked<"issueJoinToken">): void => {
	const { state, nowMs } = turn;
	const { tokenId, secretHash, ttlMs, uses, by } = asked;
	const open = [...state.joinTokens.values()].filter((token) => !isExpired(token, nowMs));
	if (state.joinTokens.has(tokenId) || open.length >= TOKENS_MAX) return;
	emit(turn, { kind: "joinTokenIssued", tokenId, secretHash, expiresAtMs: Math.floor(nowMs + ttlMs), uses, by });
};

/** Whoever asks has shown the secret. */
export const useJoinToken = (turn: Turn, { tokenId, useId, host }: Asked<"useJoinToken">): void => {
	const token = turn.state.joinTokens.get(tokenId);
	if (token && isUsable(token, turn.nowMs)) emit(turn, { kind: "joinTokenUsed", tokenId, useId, host });
};

export const revokeJoinToken = (turn: Turn, { tokenId, by }: Asked<"revokeJoinToken">): void => {
	if (turn.state.joinTokens.has(tokenId)) emit(turn, { kind: "joinTokenRevoked", tokenId, by });
};

export const isExpired = ({ expiresAtMs }: JoinToken, nowMs: number): boolean => expiresAtMs <= nowMs;

const isUsable = (token: JoinToken, nowMs: number): boolean =>
	!isExpired(token, nowMs) && token.used.length < token.uses;

/** Whether that use was the one that counted. */
export const hasUsed = (token: JoinToken | undefined, useId: string): boolean =>
	token?.used.some((use) => use.useId === useId) ?? false;
