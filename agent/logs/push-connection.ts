/** The one stream to the coordinator's LogService: opened when wanted, opened again after every loss, for ever. */

import { ChannelCredentials } from "@grpc/grpc-js";
import type { PushRequest } from "#proto-gen/runmesh/log/v1/PushRequest.ts";
import type { PushResponse__Output } from "#proto-gen/runmesh/log/v1/PushResponse.ts";
import { type Credentials, grpcMetadata } from "#shared/credentials.ts";
import type { RunmeshError } from "#shared/errors.ts";
import { channelOptions, fromStatus } from "#shared/wire/grpc.ts";
import { LogService } from "#shared/wire/services.ts";

export interface PushConnectionOptions {
	/** host:port to dial now. */
	address(): string;
	/** Nobody has answered there. */
	onMissed(address: string): void;
	credentials: Credentials;
	onOpen(): void;
	onAnswer(answer: PushResponse__Output): void;
	/** What was not answered must be sent again. */
	onLost(error: RunmeshError): void;
}

export interface PushConnection {
	/** Only between onOpen and onLost. */
	send(request: PushRequest): void;
	/** Gives the present stream up, when the coordinator is silent for too long. */
	reset(): void;
	close(): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export const openPushConnection = (options: PushConnectionOptions): PushConnection => {
	const { credentials, onOpen, onAnswer, onLost } = options;
	let pauseMs = FIRST_PAUSE_MS;
	let retry: NodeJS.Timeout | null = null;
	let stream: ReturnType<typeof openStream> | null = null;
	let closed = false;

	const connect = (): void => {
		retry = null;
		const address = options.address();
		let heard = false;
		stream = openStream(address, credentials, {
			onAnswer: (answer) => {
				heard = true;
				pauseMs = FIRST_PAUSE_MS;
				onAnswer(answer);
			},
			onLost: (error) => {
				stream = null;
				if (closed) return;
				if (!heard) options.onMissed(address);
				connectLater();
				pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
				onLost(error);
			},
		});
		onOpen();
	};
	/** Many agents lose one coordinator at once: they must not come back at once. */
	const connectLater = (): void => {
		retry = setTimeout(connect, pauseMs * (0.5 + Math.random() / 2));
	};
	connect();

	return {
		send: (request) => stream?.send(request),
		reset: () => {
			pauseMs = FIRST_PAUSE_MS;
			if (!retry) return stream?.end();
			// What it waits for is over: nobody answered at the old address for long.
			clearTimeout(retry);
			connectLater();
		},
		close: () => {
			closed = true;
			if (retry) clearTimeout(retry);
			stream?.end();
		},
	};
};

const openStream = (
	address: string,
	credentials: Credentials,
	{ onAnswer, onLost }: Pick<PushConnectionOptions, "onAnswer" | "onLost">,
): { send(request: PushRequest): void; end(): void } => {
	const client = new LogService(address, ChannelCredentials.createInsecure(), channelOptions);
	const call = client.Push(grpcMetadata(credentials));
	let over = false;
	const lose = (error: unknown): void => {
		if (over) return;
		over = true;
		client.close();
		onLost(fromStatus(error, `coordinator at ${address}`));
	};
	call.on("data", onAnswer);
	call.on("error", lose);
	call.on("end", () => lose(new Error("it ended the stream")));
	return {
		send: (request) => call.write(request),
		end: () => call.cancel(),
	};
};
