/** Keeps a durable consumer going through server restarts, which forget what lived in memory. */

import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamClient, JsMsg } from "nats";
import type { Logger } from "pino";

const RETRY_PAUSE_MS = 500;
const MESSAGES_AHEAD = 1_000;

/** `ensure` makes the consumer when it is missing. */
export const keepConsuming = (
	client: JetStreamClient,
	stream: string,
	consumer: string,
	ensure: () => Promise<void>,
	onMessage: (message: JsMsg) => void,
	log: Logger,
): { stop(): void } => {
	let stopped = false;
	let stopCurrent = (): void => {};

	const loop = async (): Promise<void> => {
		while (!stopped) {
			try {
				await ensure();
				const found = await client.consumers.get(stream, consumer);
				const messages = await found.consume({
					max_messages: MESSAGES_AHEAD,
					abort_on_missing_resource: true,
					idle_heartbeat: 5_000,
					callback: onMessage,
				});
				stopCurrent = () => messages.stop();
				// Ends when it is stopped, or when stream or consumer are gone: then both are made again.
				const error = await messages.closed();
				if (error) throw error;
			} catch (error) {
				if (!stopped) log.debug({ err: error, stream, consumer }, "consumer interrupted; going on");
			}
			if (!stopped) await sleep(RETRY_PAUSE_MS);
		}
	};
	void loop();
	return {
		stop: () => {
			stopped = true;
			stopCurrent();
		},
	};
};
