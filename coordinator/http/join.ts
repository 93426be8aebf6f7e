/** How machines join: tokens are made, listed and revoked here, and one is given for all that an agent needs. */

import { z } from "zod";
import type { JoinGrant, JoinRequest, JoinTokenRequest } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import type { HttpDeps } from "./deps.ts";
import { createGuessLimit } from "./guess-limit.ts";
import { SUBMITTER } from "./run-answers.ts";
import { type Api, nameSchema } from "./validation.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const USES_MAX = 1_000;
const JOIN_BODY_MAX_BYTES = 4 * 1024;

const tokenSchema: z.ZodType<JoinTokenRequest> = z.strictObject({
	ttlMs: z
		.int()
		.min(MINUTE_MS)
		.max(30 * DAY_MS)
		.default(DAY_MS),
	uses: z.int().min(1).max(USES_MAX).default(1),
});
const joinSchema: z.ZodType<JoinRequest> = z.strictObject({
	token: z.string().min(1).max(200),
	host: z
		.string()
		.min(1)
		.max(253)
		.regex(/^\P{C}+$/u, { error: "expected a host's name" }),
});

export const joinTokenRoutes = (app: Api, { commands }: HttpDeps): void => {
	app.post(
		"/join-tokens",
		{ schema: { body: tokenSchema }, config: { summary: "Make a token by which machines may join; it is told once" } },
		async ({ body }, reply) => reply.code(201).send(await commands.issueJoinToken(body, SUBMITTER)),
	);

	app.get("/join-tokens", { config: { summary: "Join tokens that have not expired" } }, async () =>
		commands.joinTokens(),
	);

	app.delete(
		"/join-tokens/:id",
		{ schema: { params: z.strictObject({ id: nameSchema }) }, config: { summary: "Revoke a join token" } },
		async ({ params }, reply) => {
			await commands.revokeJoinToken(params.id, SUBMITTER);
			return reply.code(204).send();
		},
	);
};

export const joinRoutes = (app: Api, { commands, joinGrant }: HttpDeps): void => {
	const guesses = createGuessLimit();
	app.post(
		"/join",
		{
			bodyLimit: JOIN_BODY_MAX_BYTES,
			schema: { body: joinSchema },
			config: { open: true, summary: "What an agent needs to take part, for a join token" },
		},
		async ({ body, ip }, reply): Promise<JoinGrant> => {
			guesses.check(ip);
			try {
				await commands.redeemJoinToken(body.token, body.host);
			} catch (error) {
				if (error instanceof RunmeshError && error.code === "RM_UNAUTHENTICATED") guesses.failed(ip);
				throw error;
			}
			reply.header("cache-control", "no-store");
			return joinGrant();
		},
	);
};
