/** BlobService over a store, for agents and the coordinator alike. */

import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { BlobServiceHandlers } from "#proto-gen/runmesh/blob/v1/BlobService.ts";
import type { ReadRequest__Output } from "#proto-gen/runmesh/blob/v1/ReadRequest.ts";
import type { ReadResponse } from "#proto-gen/runmesh/blob/v1/ReadResponse.ts";
import { RunmeshError } from "../errors.ts";
import { type Digest, isDigest } from "../ids.ts";
import { type Authorize, toStatus } from "../wire/grpc.ts";
import type { BlobStore } from "./store.ts";
import { type BlobSource, fetchBlob } from "./transfer.ts";

export interface BlobServiceOptions {
	authorize: Authorize;
	/** Where to fetch a blob that is not here; a service without it answers RM_NOT_FOUND. */
	fallback?: (digest: Digest, holders: string[]) => Promise<BlobSource[]>;
}

const MAX_HOLDERS = 100;
/** An empty frame so often tells a waiting reader that its blob is on its way. */
const SIGN_OF_LIFE_MS = 5_000;

type ReadCall = ServerWritableStream<ReadRequest__Output, ReadResponse>;

export const blobHandlers = (store: BlobStore, { authorize, fallback }: BlobServiceOptions): BlobServiceHandlers => {
	const bringHere = async (digest: Digest, holders: string[], call: ReadCall): Promise<void> => {
		if ((await store.sizeOf(digest)) !== null) return;
		const sources = (await fallback?.(digest, holders)) ?? [];
		if (sources.length === 0) throw new RunmeshError("RM_NOT_FOUND", `blob ${digest} is not here`);
		const alive = setInterval(() => call.write({ data: Buffer.alloc(0) }), SIGN_OF_LIFE_MS);
		try {
			// Goes on when this reader leaves: another, or its next try, will want the blob too.
			await fetchBlob(store, { digest, sizeBytes: null, maxBytes: Number.POSITIVE_INFINITY }, sources);
		} finally {
			clearInterval(alive);
		}
	};

	const read = async (call: ReadCall): Promise<void> => {
		authorize(call.metadata);
		const { digest, offset, length, holders } = call.request;
		checkDigest(digest);
		if (!isOffset(offset) || !isOffset(length) || holders.length > MAX_HOLDERS) {
			throw new RunmeshError("RM_BAD_INPUT", "a read with an offset, a length or holders out of range");
		}
		const gone = new AbortController();
		call.once("cancelled", () => gone.abort());
		await bringHere(digest, holders, call);
		try {
			for await (const data of store.read(digest, offset, length)) {
				if (!call.write({ data })) await once(call, "drain", { signal: gone.signal });
			}
		} catch (error) {
			if (!gone.signal.aborted) throw error;
		}
	};

	return {
		Read: (call) => {
			read(call).then(
				() => call.end(),
				(error: unknown) => call.emit("error", toStatus(error)),
			);
		},
	};
};

function checkDigest(digest: string): asserts digest is Digest {
	if (!isDigest(digest)) throw new RunmeshError("RM_BAD_INPUT", `${JSON.stringify(digest.slice(0, 80))} is no digest`);
}

const isOffset = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
