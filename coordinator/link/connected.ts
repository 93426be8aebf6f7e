/** Whether NATS can be reached now. */

import { Events, type NatsConnection } from "nats";

export const watchConnected = (connection: NatsConnection): (() => boolean) => {
	let connected = true;
	const watch = async (): Promise<void> => {
		for await (const { type } of connection.status()) {
			if (type === Events.Disconnect) connected = false;
			if (type === Events.Reconnect) connected = true;
		}
	};
	void watch();
	return () => connected && !connection.isClosed();
};
