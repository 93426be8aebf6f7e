/** A join token is given for what it grants; where that fails, what to do about it. */

import { hostname } from "node:os";
import type { JoinGrant } from "#shared/api.ts";
import { RunmeshError } from "#shared/errors.ts";
import { createApiClient } from "../lib/client.ts";
import { readGrant } from "./grant.ts";

/** `url` is of the coordinator's HTTP API. */
export const redeem = async (url: string, token: string): Promise<JoinGrant> => {
	try {
		return readGrant(await createApiClient({ url, token: null }).join({ token, host: hostname() }), url);
	} catch (error) {
		if (!(error instanceof RunmeshError)) throw error;
		const hint = hintFor(error, new URL(url));
		throw new RunmeshError(error.code, error.message, { ...(hint === undefined ? {} : { hint }), cause: error });
	}
};

const hintFor = (error: RunmeshError, url: URL): string | undefined => {
	if (error.code === "RM_NOT_FOUND") return "is that a coordinator? One of an older release knows no join tokens";
	const { code = "" } = (error.cause ?? {}) as NodeJS.ErrnoException;
	// An answer says it better.
	if (error.code !== "RM_UNAVAILABLE" || code === "") return error.hint;
	if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
		return `${url.hostname} is no name that this machine knows: give the coordinator's IP address`;
	}
	if (code === "EPROTO") return `it does not speak TLS there: join by http://${url.host}`;
	if (code.startsWith("HPE_") || code === "ECONNRESET") {
		return "that is not the port of its HTTP API, which is 7400 unless `runmesh up` was told another; or it wants https://";
	}
	return `a mesh listens only on its own machine until it is started with \`runmesh up --host ${url.hostname}\`; then ports 7400, 7401 and 4222 must be open to this one`;
};
