/**
 * `npm run keep-journal -- --home PATH --to test/journals/NAME.gz`: writes the journal of a running mesh to a file that
 * every later release must replay to the same; `--seed N` instead of a home keeps that of a simulated mesh.
 */

import { parseArgs } from "node:util";
import { connect } from "nats";
import { batchCodec } from "#coordinator/journal/codec.ts";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";
import { readMesh } from "#shared/mesh.ts";
import { streams } from "#shared/subjects.ts";
import { World } from "#test/sim/world/world.ts";
import { writeKeptJournal } from "#test/support/kept-journal.ts";

const ofMesh = async (root: string | undefined): Promise<Uint8Array[]> => {
	const home = resolveHome(root);
	const mesh = readMesh(home);
	if (!mesh) throw new Error(`no mesh runs on ${home.root}`);
	const connection = await connect({ servers: mesh.nats, ...natsAuth(requireCredentials(home)) });
	const manager = await connection.jetstreamManager();
	const { state } = await manager.streams.info(streams.journal);
	if (state.first_seq !== 1) throw new Error("the journal has been trimmed: keep that of a younger mesh");
	const messages: Uint8Array[] = [];
	for (let seq = 1; seq <= state.last_seq; seq++) {
		messages.push((await manager.streams.getMessage(streams.journal, { seq })).data);
	}
	await connection.close();
	return messages;
};

const ofSimulation = (seed: number): Uint8Array[] => {
	const world = new World(seed);
	world.run();
	return world.nats.journal.all.map(batchCodec.encode);
};

const { values } = parseArgs({
	options: { home: { type: "string" }, seed: { type: "string" }, to: { type: "string" } },
});
if (!values.to) throw new Error("--to FILE is missing");
const messages = values.seed === undefined ? await ofMesh(values.home) : ofSimulation(Number(values.seed));
writeKeptJournal(values.to, messages);
console.log(`${messages.length} messages in ${values.to}`);
