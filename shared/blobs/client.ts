/** Another machine's BlobService as a source of bytes. */

import { ChannelCredentials } from "@grpc/grpc-js";
import { type Credentials, grpcMetadata } from "../credentials.ts";
import { RunmeshError } from "../errors.ts";
import { channelOptions, fromStatus } from "../wire/grpc.ts";
import { BlobService } from "../wire/services.ts";
import type { BlobSource } from "./transfer.ts";

export type ConnectedBlobSource = BlobSource & { close(): void };

const STALL_MS = 20_000;

/** Connects on the first read. A peer that gives nothing for `stallMs` counts as gone. */
export const connectBlobSource = (
	name: string,
	address: string,
	credentials: Credentials,
	stallMs = STALL_MS,
): ConnectedBlobSource => {
	const client = new BlobService(address, ChannelCredentials.createInsecure(), channelOptions);
	const metadata = grpcMetadata(credentials);
	return {
		name,
		close: () => client.close(),
		async *read(digest, offset, length, { holders = [], signal } = {}) {
			signal?.throwIfAborted();
			const call = client.Read({ digest, offset, length, holders }, metadata);
			let stalled = false;
			const giveUp = (): void => {
				stalled = true;
				call.cancel();
			};
			let stall = setTimeout(giveUp, stallMs);
			const abort = (): void => call.cancel();
			signal?.addEventListener("abort", abort, { once: true });
			try {
				for await (const { data } of call) {
					// The reader's own time does not count.
					clearTimeout(stall);
					if (data.length > 0) yield data;
					stall = setTimeout(giveUp, stallMs);
				}
			} catch (error) {
				signal?.throwIfAborted();
				if (stalled) throw new RunmeshError("RM_UNAVAILABLE", `${name} gave no bytes for ${stallMs / 1000} s`);
				throw fromStatus(error, name);
			} finally {
				clearTimeout(stall);
				signal?.removeEventListener("abort", abort);
				call.cancel();
			}
		},
	};
};
