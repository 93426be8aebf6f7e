/**
 * The one place that hands a wire its credentials. `up` generates them into RUNMESH_HOME; processes it starts
 * and the local CLI read them there, others get them by environment. Identities, TLS and roles deepen here.
 */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import type { ConnectionOptions } from "nats";
import { RunmeshError } from "./errors.ts";
import type { Home } from "./home.ts";

export interface Credentials {
	/** HTTP API, as a bearer token: `RUNMESH_TOKEN`. */
	apiToken: string;
	/** The agents' inference endpoints, as a bearer token: `RUNMESH_INFERENCE_TOKEN`. It allows nothing else. */
	inferenceToken: string;
	/** gRPC between coordinator and agents. */
	meshToken: string;
	natsUser: string;
	natsPassword: string;
}

export const generateCredentials = (): Credentials => {
	const secret = (): string => randomBytes(24).toString("base64url");
	const tokens = { apiToken: secret(), inferenceToken: secret(), meshToken: secret() };
	return { ...tokens, natsUser: "runmesh", natsPassword: secret() };
};

/** Made once for a home and kept: a restart of any process finds the same. What an older file lacks is added. */
export const ensureCredentials = (home: Home): { credentials: Credentials; made: boolean } => {
	const kept = readCredentials(home, {});
	if (kept && readStored(home).inferenceToken) return { credentials: kept, made: false };
	const fresh = generateCredentials();
	const credentials = kept ? { ...kept, inferenceToken: fresh.inferenceToken } : fresh;
	writeCredentials(home, credentials);
	return { credentials, made: true };
};

export const writeCredentials = (home: Home, credentials: Credentials): void => {
	mkdirSync(dirname(home.credentials), { recursive: true, mode: 0o700 });
	const staged = `${home.credentials}.${process.pid}`;
	writeFileSync(staged, `${JSON.stringify(credentials, null, "\t")}\n`, { mode: 0o600 });
	renameSync(staged, home.credentials);
};

/**
 * From the environment (RUNMESH_TOKEN, RUNMESH_INFERENCE_TOKEN, RUNMESH_MESH_TOKEN, RUNMESH_NATS_USER,
 * RUNMESH_NATS_PASSWORD), else from the home's file; null when neither has them. Without a token for inference, the
 * API's serves for it.
 */
export const readCredentials = (home: Home, env: NodeJS.ProcessEnv = process.env): Credentials | null => {
	const stored = readStored(home);
	const find = (fromEnv: string | undefined, name: keyof Credentials): string => {
		const value = fromEnv || stored[name];
		return typeof value === "string" ? value : "";
	};
	const apiToken = find(env.RUNMESH_TOKEN, "apiToken");
	const credentials: Credentials = {
		apiToken,
		inferenceToken: find(env.RUNMESH_INFERENCE_TOKEN, "inferenceToken") || apiToken,
		meshToken: find(env.RUNMESH_MESH_TOKEN, "meshToken"),
		natsUser: find(env.RUNMESH_NATS_USER, "natsUser"),
		natsPassword: find(env.RUNMESH_NATS_PASSWORD, "natsPassword"),
	};
	return Object.values(credentials).every((secret) => secret !== "") ? credentials : null;
};

const readStored = (home: Home): Partial<Record<keyof Credentials, unknown>> => {
	try {
		const stored: unknown = JSON.parse(readFileSync(home.credentials, "utf8"));
		return stored !== null && typeof stored === "object" ? stored : {};
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw new RunmeshError("RM_BAD_INPUT", `${home.credentials} can't be read: ${(error as Error).message}`, {
			hint: "delete it and start `runmesh up` again to make new credentials",
		});
	}
};

/** Thrown where credentials are needed and missing. */
export const requireCredentials = (home: Home, env: NodeJS.ProcessEnv = process.env): Credentials => {
	const credentials = readCredentials(home, env);
	if (credentials) return credentials;
	throw new RunmeshError("RM_UNAUTHENTICATED", `no credentials in ${home.credentials} or the environment`, {
		hint: "join a mesh with `runmesh agent join`, start one with `runmesh up`, or set RUNMESH_TOKEN, RUNMESH_INFERENCE_TOKEN, RUNMESH_MESH_TOKEN, RUNMESH_NATS_USER and RUNMESH_NATS_PASSWORD",
	});
};

/** Equal in constant time, whatever the lengths. */
export const sameSecret = (given: string, expected: string): boolean => {
	const [a, b] = [Buffer.from(given), Buffer.from(expected)];
	return a.length === b.length && timingSafeEqual(a, b);
};

export const bearer = (token: string): string => `Bearer ${token}`;

/** Whether an `authorization` header carries the token. */
export const isAuthorized = (header: string | undefined, token: string): boolean =>
	header !== undefined && sameSecret(header, bearer(token));

export const natsAuth = (credentials: Credentials): Pick<ConnectionOptions, "user" | "pass"> => ({
	user: credentials.natsUser,
	pass: credentials.natsPassword,
});

export const grpcMetadata = (credentials: Credentials): Metadata => {
	const metadata = new Metadata();
	metadata.set("authorization", bearer(credentials.meshToken));
	return metadata;
};
