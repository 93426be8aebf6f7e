import { once } from "node:events";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { ChannelCredentials, Metadata } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { startAgentRpc } from "#agent/blobs/server.ts";
import { openLogStore } from "#coordinator/logs/store.ts";
import { startCoordinatorRpc } from "#coordinator/rpc/server.ts";
import { type ConnectedBlobSource, connectBlobSource } from "#shared/blobs/client.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { fetchArtifact, fetchBlob } from "#shared/blobs/transfer.ts";
import { captureTree } from "#shared/blobs/tree.ts";
import { type Credentials, generateCredentials, grpcMetadata } from "#shared/credentials.ts";
import type { Digest } from "#shared/ids.ts";
import { BlobService } from "#shared/wire/services.ts";
import { codeOf, network, noise, tempDir } from "#test/support/data-plane.ts";

const credentials = generateCredentials();
const MiB = 1024 * 1024;

interface Peer {
	dir: string;
	store: BlobStore;
	address: string;
}

const startAgent = async (): Promise<Peer> => {
	const dir = await tempDir();
	const store = await openBlobStore(dir);
	const rpc = await startAgentRpc({ host: "127.0.0.1", port: 0, store, credentials });
	onTestFinished(rpc.close);
	return { dir, store, address: rpc.address };
};

const startCoordinator = async (agents: Record<string, string>): Promise<Peer> => {
	const dir = await tempDir();
	const store = await openBlobStore(join(dir, "blobs"));
	const logs = openLogStore(join(dir, "logs"));
	const holderAddress = (agentId: string): string | null => agents[agentId] ?? null;
	const rpc = await startCoordinatorRpc({ host: "127.0.0.1", port: 0, store, logs, credentials, holderAddress });
	onTestFinished(async () => {
		await rpc.close();
		logs.close();
	});
	return { dir, store, address: rpc.address };
};

const connected = (
	name: string,
	address: string,
	as: Credentials = credentials,
	stallMs?: number,
): ConnectedBlobSource => {
	const source = connectBlobSource(name, address, as, stallMs);
	onTestFinished(() => source.close());
	return source;
};

const put = async (store: BlobStore, bytes: Buffer): Promise<Digest> =>
	(await store.write(Readable.from([bytes]))).digest;

const wanted = (digest: Digest, bytes: Buffer) => ({ digest, sizeBytes: bytes.length, maxBytes: bytes.length });

describe("blobs between two servers", () => {
	it("resumes where a cut connection left it, as often as it is cut", async () => {
		const [there, here] = [await startAgent(), await startAgent()];
		const bytes = noise(24 * MiB);
		const digest = await put(there.store, bytes);
		const line = await network(() => there.address);
		line.cutAt(5 * MiB, 11 * MiB, 17 * MiB);
		await fetchBlob(here.store, wanted(digest, bytes), [connected("there", line.address)]);
		expect((await buffer(here.store.read(digest))).equals(bytes)).toBe(true);
		// From the start each time, it would have been more than twice as much.
		expect(line.received()).toBeLessThan(1.6 * bytes.length);
	});

	it("goes on at a second holder when the first stays away", async () => {
		const [one, two, here] = [await startAgent(), await startAgent(), await startAgent()];
		const bytes = noise(8 * MiB);
		const digest = await put(one.store, bytes);
		await put(two.store, bytes);
		const line = await network(() => one.address);
		const source = connected("one", line.address);
		const dying = {
			name: "one",
			async *read(...given: Parameters<typeof source.read>) {
				for await (const frame of source.read(...given)) {
					yield frame;
					line.setDown(true);
				}
			},
		};
		await fetchBlob(here.store, wanted(digest, bytes), [dying, connected("two", two.address)]);
		expect((await buffer(here.store.read(digest))).equals(bytes)).toBe(true);
	});

	it("notices wrong bytes and takes the right ones elsewhere", async () => {
		const [rotten, sound, here] = [await startAgent(), await startAgent(), await startAgent()];
		const bytes = noise(2 * MiB);
		const digest = await put(rotten.store, bytes);
		await put(sound.store, bytes);
		const path = join(rotten.dir, "sha256", digest.slice(7, 9), digest.slice(7));
		await chmod(path, 0o644);
		await writeFile(path, noise(2 * MiB, 5));
		const lone = fetchBlob(here.store, wanted(digest, bytes), [connected("rotten", rotten.address)]);
		await expect(lone).rejects.toThrow(/rotten: sent bytes that do not match/);
		expect(await here.store.sizeOf(digest)).toBeNull();
		const both = [connected("rotten", rotten.address), connected("sound", sound.address)];
		await fetchBlob(here.store, wanted(digest, bytes), both);
		expect((await buffer(here.store.read(digest))).equals(bytes)).toBe(true);
	});

	it("brings an artifact through the coordinator from the agent that holds it, once", async () => {
		const holder = await startAgent();
		const root = await tempDir();
		for (let index = 0; index < 12; index++) await writeFile(join(root, `f${index}`), noise(100_000 + index, index));
		const ref = await captureTree(holder.store, root, "data", "agent-7");
		const line = await network(() => holder.address);
		const coordinator = await startCoordinator({ "agent-7": line.address });
		const readers = await Promise.all([startAgent(), startAgent(), startAgent()]);
		await Promise.all(
			readers.map((reader) => fetchArtifact(reader.store, ref, [connected("coordinator", coordinator.address)])),
		);
		for (const { store } of readers) expect(await store.sizeOf(ref.digest)).not.toBeNull();
		expect(line.received()).toBeLessThan(2 * ref.sizeBytes);
		const stranger = { ...ref, holders: ["agent-8"], digest: `sha256:${"0".repeat(64)}` as Digest };
		const lost = fetchArtifact(holder.store, stranger, [connected("coordinator", coordinator.address)]);
		await expect(lost).rejects.toThrow(/coordinator: .*is not here/);
	});

	it("has few bytes in memory for a reader that does not read", async () => {
		const there = await startAgent();
		const bytes = noise(60 * MiB);
		const digest = await put(there.store, bytes);
		const line = await network(() => there.address);
		const reading = connected("there", line.address).read(digest, 0, 0)[Symbol.asyncIterator]();
		await reading.next();
		let before = -1;
		// Until nothing more comes by itself.
		while (line.received() > before) {
			before = line.received();
			await new Promise((resolve) => setTimeout(resolve, 300));
		}
		expect(line.received()).toBeLessThan(30 * MiB);
		await reading.return?.();
	});

	it("gives up on a peer that accepts and says nothing", async () => {
		const silent = createServer(() => undefined).listen(0, "127.0.0.1");
		await once(silent, "listening");
		onTestFinished(() => void silent.close());
		const { port } = silent.address() as { port: number };
		const source = connected("silent", `127.0.0.1:${port}`, credentials, 300);
		const read = (): Promise<Buffer> => buffer(Readable.from(source.read(`sha256:${"0".repeat(64)}` as Digest, 0, 0)));
		expect(await codeOf(read)).toBe("RM_UNAVAILABLE");
		await expect(read()).rejects.toThrow(/silent gave no bytes/);
		source.close();
		silent.close();
	});
});

describe("what the servers refuse", () => {
	it("refuses every call without the mesh's token", async () => {
		const agent = await startAgent();
		const digest = await put(agent.store, noise(10));
		const source = connected("agent", agent.address, { ...credentials, meshToken: "guess" });
		expect(await codeOf(() => buffer(Readable.from(source.read(digest, 0, 0))))).toBe("RM_UNAUTHENTICATED");
		const client = new BlobService(agent.address, ChannelCredentials.createInsecure());
		onTestFinished(() => client.close());
		const read = (metadata: Metadata): Promise<Buffer[]> =>
			client
				.Read({ digest }, metadata)
				.map(({ data }) => data)
				.toArray();
		await expect(read(new Metadata())).rejects.toThrow(/UNAUTHENTICATED/);
		expect(Buffer.concat(await read(grpcMetadata(credentials)))).toHaveLength(10);
	});

	it("refuses what is no digest or no offset, and says what is not there", async () => {
		const agent = await startAgent();
		const source = connected("agent", agent.address);
		const read = (digest: string, offset: number) => () =>
			buffer(Readable.from(source.read(digest as Digest, offset, 0)));
		const absent = `sha256:${"0".repeat(64)}`;
		expect(await codeOf(read("sha256:../../etc/passwd", 0))).toBe("RM_BAD_INPUT");
		expect(await codeOf(read(absent, -1))).toBe("RM_BAD_INPUT");
		expect(await codeOf(read(absent, 0))).toBe("RM_NOT_FOUND");
		expect(await readdir(join(agent.dir, "sha256"))).toEqual([]);
	});

	it("names a port that is taken", async () => {
		const agent = await startAgent();
		const port = Number(agent.address.split(":")[1]);
		const second = startAgentRpc({ host: "127.0.0.1", port, store: agent.store, credentials });
		await expect(second).rejects.toMatchObject({ code: "RM_PORT_IN_USE" });
		await expect(second).rejects.toThrow(String(port));
	});
});
