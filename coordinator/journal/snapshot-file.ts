/** A snapshot as bytes: where the journal stood, what outlives its trimming, and the state; compressed, checked by gzip. */

import { setImmediate as breathe } from "node:timers/promises";
import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import type { RunId } from "#shared/ids.ts";
import type { JournalEvent } from "../core/events.ts";
import { type Dump, restoreState, writeDump } from "../core/snapshot.ts";
import type { MeshState } from "../core/state.ts";
import type { Standing } from "./standing.ts";

export interface Snapshot {
	/** Of the last message it has. */
	sequence: number;
	state: MeshState;
	standing: Standing;
}

export interface TakenSnapshot {
	sequence: number;
	dump: Dump;
	standing: Standing;
}

interface Head {
	sequence: number;
	runs: [RunId, number][];
	events: [string, JournalEvent][];
}

/** One after the other; each tells of its own end. */
const compress = promisify(gzip);
const expand = promisify(gunzip);
const CHUNK_CHARACTERS = 1024 * 1024;

/** Made piece by piece: the mesh goes on meanwhile. */
export const encodeSnapshot = async ({ sequence, dump, standing }: TakenSnapshot): Promise<Uint8Array> => {
	const head: Head = { sequence, runs: [...standing.runs], events: [...standing.events] };
	const pieces: Uint8Array[] = [];
	let text = `${JSON.stringify(head)}\n`;
	const flush = async (): Promise<void> => {
		pieces.push(await compress(text, { level: constants.Z_BEST_SPEED }));
		text = "";
	};
	for (const part of writeDump(dump)) {
		text += `${part}\n`;
		if (text.length >= CHUNK_CHARACTERS) await flush();
		else await breathe();
	}
	await flush();
	return Buffer.concat(pieces);
};

export const decodeSnapshot = async (bytes: Uint8Array): Promise<Snapshot> => {
	const [head = "", ...parts] = (await expand(bytes)).toString("utf8").trimEnd().split("\n");
	const { sequence, runs, events } = JSON.parse(head) as Head;
	return { sequence, state: restoreState(parts), standing: { runs: new Map(runs), events: new Map(events) } };
};
