/** LogService over the log store: each chunk is answered once it is stored. */

import { once } from "node:events";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { LogServiceHandlers } from "#proto-gen/runmesh/log/v1/LogService.ts";
import type { LogStream__Output } from "#proto-gen/runmesh/log/v1/LogStream.ts";
import type { PushRequest__Output } from "#proto-gen/runmesh/log/v1/PushRequest.ts";
import type { PushResponse } from "#proto-gen/runmesh/log/v1/PushResponse.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type Authorize, toStatus } from "#shared/wire/grpc.ts";
import type { LogStreamName } from "../logs/frame.ts";
import type { LogStore } from "../logs/store.ts";

type PushCall = ServerDuplexStream<PushRequest__Output, PushResponse>;

export const logHandlers = (logs: LogStore, authorize: Authorize): LogServiceHandlers => ({
	Push: (call) => {
		push(call, logs, authorize).then(
			() => call.end(),
			(error: unknown) => {
				if (!call.cancelled) call.emit("error", toStatus(error));
			},
		);
	},
});

const streamNames: Partial<Record<LogStream__Output, LogStreamName>> = {
	LOG_STREAM_STDOUT: "stdout",
	LOG_STREAM_STDERR: "stderr",
	LOG_STREAM_METRICS: "metrics",
};

const push = async (call: PushCall, logs: LogStore, authorize: Authorize): Promise<void> => {
	authorize(call.metadata);
	const gone = new AbortController();
	call.once("cancelled", () => gone.abort());
	const syncing = new Set<Promise<void>>();
	// Destroying the call at an error would lose the status that explains it.
	for await (const request of call.iterator({ destroyOnReturn: false }) as AsyncIterable<PushRequest__Output>) {
		const { attemptId, stream, silentAttemptIds } = request;
		if (silentAttemptIds.length > 0) {
			for (const silent of silentAttemptIds) logs.endSilent(silent);
			continue;
		}
		const nextOffset = append(logs, request);
		const answer = (): boolean => call.write({ attemptId, stream, nextOffset });
		if (request.end) {
			// A complete log is on the disk before its agent may forget it; others need not wait for that.
			const synced = logs.sync(attemptId).then(
				() => void answer(),
				(error: unknown) => void call.emit("error", toStatus(error)),
			);
			syncing.add(synced);
			void synced.then(() => syncing.delete(synced));
		} else if (!answer()) await once(call, "drain", { signal: gone.signal });
	}
	await Promise.all(syncing);
};

const append = (logs: LogStore, request: PushRequest__Output): number => {
	const { attemptId, offset, data, atMs, droppedBytes, end } = request;
	const stream = streamNames[request.stream];
	if (!stream) throw new RunmeshError("RM_BAD_INPUT", "a log chunk of no known stream");
	return logs.append({ attemptId, stream, offset, data, atMs, droppedBytes, end });
};
