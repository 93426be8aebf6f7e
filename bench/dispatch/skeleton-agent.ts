/** The bare skeleton's other process: takes tasks, and reports those that came together in one message. */

import { connect } from "nats";
import { natsAuth, requireCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";
import { skeleton } from "./skeleton-names.ts";

const [servers = "", root = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());

const connection = await connect({ servers, ...natsAuth(requireCredentials(resolveHome(root), {})) });
const client = connection.jetstream();
const consumer = await client.consumers.get(skeleton.tasks, skeleton.tasks);
let gathered: object[] = [];

const report = (): void => {
	void client.publish(skeleton.reports, JSON.stringify(gathered));
	gathered = [];
};

await consumer.consume({
	max_messages: 1_000,
	callback: (message) => {
		if (gathered.length === 0) setImmediate(report);
		gathered.push({ ...message.json<object>(), startedAtMs: Date.now(), finishedAtMs: Date.now() });
		message.ack();
	},
});
process.send?.("ready");
