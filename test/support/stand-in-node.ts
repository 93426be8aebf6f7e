/**
 * A process as `up` starts it, for tests of `up` alone: takes the coordinator's and the agent's arguments, really
 * connects to NATS, says that it is ready, and ends with its parent. STAND_IN_FAULT makes it misbehave.
 */

import { parseArgs } from "node:util";
import { connect } from "nats";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";

const flags = ["home", "nats", "host", "http-port", "coordinator", "name", "grpc-port", "serving-port"] as const;
const { values } = parseArgs({ options: Object.fromEntries(flags.map((flag) => [flag, { type: "string" }] as const)) });
const at = (port: unknown): string => `${values.host}:${port}`;

const end = (): void => process.exit(0);
process.once("disconnect", end);
process.once("SIGTERM", end);

const fault = process.env.STAND_IN_FAULT;
if (fault === "dies") {
	console.error("this node can't start: the reason stands here");
	process.exit(3);
}
if (fault === "refuses") {
	process.send?.({ error: { code: "RM_JOURNAL_INVALID", message: "the journal is not ours", hint: "look at it" } });
	process.exit(8);
}

const connection = await connect({
	servers: String(values.nats),
	...natsAuth(requireCredentials(resolveHome(String(values.home)))),
	maxReconnectAttempts: -1,
});
await connection.flush();
process.send?.(
	values.name
		? { ready: true, agentId: values.name, grpc: at(values["grpc-port"]) }
		: { ready: true, url: `http://${at(values["http-port"])}`, grpc: at(values["grpc-port"]) },
);
