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
				});
				stopCurrent = () => messages.stop();
				for await (const message of messages) onMessage(message);
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
