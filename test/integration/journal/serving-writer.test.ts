import { pino } from "pino";
import { expect, it, vi } from "vitest";
import { createServingWriter } from "#coordinator/link/serving-writer.ts";
import type { DesiredServing } from "#shared/domain.ts";
import type { AgentId } from "#shared/ids.ts";
import { buckets } from "#shared/subjects.ts";
import { desiredServingCodec } from "#shared/wire/codec.ts";
import { type JournalRig, startJournalRig } from "#test/support/journal-rig.ts";

const agent = "lab" as AgentId;
const log = pino({ level: "silent" });

const wanted = (revision: number): DesiredServing => ({
	replicas: [{ deployment: "d", model: "d", version: revision, artifact: null, golden: null, revision }],
});

const openBucket = async (rig: JournalRig) => {
	const bucket = await rig.connection.jetstream().views.kv(buckets.serving, { history: 1 });
	const written = async (): Promise<number | undefined> => {
		const entry = await bucket.get(agent);
		return entry ? desiredServingCodec.decode(entry.value).replicas[0]?.revision : undefined;
	};
	return { bucket, written };
};

it("writes what is wanted last, whatever is asked for meanwhile", async () => {
	const { bucket, written } = await openBucket(await startJournalRig());
	const writer = createServingWriter(bucket, async () => true, log);
	for (let revision = 1; revision <= 20; revision++) writer.put(agent, wanted(revision));
	await vi.waitFor(async () => expect(await written()).toBe(20));
	writer.put(agent, wanted(21));
	await vi.waitFor(async () => expect(await written()).toBe(21));
});

it("a deposed leader overwrites nothing that its successor has written", async () => {
	const rig = await startJournalRig();
	const { bucket, written } = await openBucket(rig);
	let leader = "first";
	let asked = 0;
	const leads = async (): Promise<boolean> => {
		asked += 1;
		return leader === "first";
	};
	const first = createServingWriter(bucket, leads, log);
	const second = createServingWriter(bucket, async () => leader === "second", log);
	first.put(agent, wanted(1));
	await vi.waitFor(async () => expect(await written()).toBe(1));
	leader = "second";
	second.put(agent, wanted(2));
	await vi.waitFor(async () => expect(await written()).toBe(2));
	// It fails on the revision it knows, asks again, and learns that it does not lead.
	first.put(agent, wanted(3));
	first.put("other" as AgentId, wanted(4));
	await vi.waitFor(() => expect(asked).toBe(3), { timeout: 10_000 });
	await rig.connection.flush();
	expect(await written()).toBe(2);
	expect(await bucket.get("other")).toBeNull();
});
