/**
 * Prepares the home that a mesh of containers shares: its credentials, made once and kept, and the configuration of
 * its nats-server. docker-compose.yml runs it before everything else.
 */

import { writeNatsConfig } from "#cli/up/nats-config.ts";
import { ensureCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";

const home = resolveHome();
const { credentials, made } = ensureCredentials(home);
writeNatsConfig({ folder: home.nats, host: "0.0.0.0", port: 4222, serverName: "nats", credentials });
console.log(`${home.root}: ${made ? "made new credentials" : "the credentials are there"}`);
