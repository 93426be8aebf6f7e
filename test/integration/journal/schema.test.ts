import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { encodeEntry } from "#coordinator/journal/tail-record.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { homeEnv, startCommand } from "#test/support/command-line.ts";
import { type JournalRig, startJournalRig } from "#test/support/journal-rig.ts";

/** A coordinator as people start it; resolves when it has ended. */
const startCoordinator = async ({ server }: JournalRig, home: Home) => {
	const { apiToken, meshToken, natsUser, natsPassword } = server.credentials;
	const env = homeEnv(home.root, {
		RUNMESH_TOKEN: apiToken,
		RUNMESH_MESH_TOKEN: meshToken,
		RUNMESH_NATS_USER: natsUser,
		RUNMESH_NATS_PASSWORD: natsPassword,
	});
	const ports = ["--http-port", "0", "--grpc-port", "0"];
	return startCommand(["coordinator", "start", "--nats", server.url, ...ports], env).finished;
};

const newer = { schemaVersion: 99, leaderEpoch: 1, batchId: "b", events: [] };

test.each<[string, string, (rig: JournalRig, home: Home) => Promise<void> | void]>([
	[
		"journal",
		"the journal is of schema 99, this release reads up to",
		async ({ connection }) => {
			await connection.jetstream().publish("rm.journal", batchCodec.encode(newer));
		},
	],
	[
		"snapshot",
		"the snapshot is of schema 99, this release reads up to",
		(_rig, home) => {
			mkdirSync(home.coordinator, { recursive: true });
			const head = JSON.stringify({ sequence: 1, runs: [], events: [] });
			const parts = [head, JSON.stringify({ kind: "snapshot", schemaVersion: 99 })];
			writeFileSync(home.snapshot, gzipSync(`${parts.join("\n")}\n`));
		},
	],
	[
		"copy of the journal",
		"is of schema 99, this release reads up to",
		(_rig, home) => {
			mkdirSync(home.journalTail, { recursive: true });
			const head = encodeEntry({ kind: "segment", schemaVersion: 99, stream: "" });
			writeFileSync(join(home.journalTail, "0000000001.tail"), head);
		},
	],
])("a coordinator does not start where a newer release wrote the %s", async (_what, message, write) => {
	const rig = await startJournalRig();
	const home = resolveHome(rig.folder());
	await write(rig, home);
	const { code, stderr } = await startCoordinator(rig, home);
	expect(code).toBe(8);
	expect(stderr.toString()).toContain(message);
	expect(stderr.toString()).toContain("start a release at least as new as the one that wrote it");
});
