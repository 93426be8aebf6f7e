import { connect } from "nats";
import { expect, test } from "vitest";
import { natsAuth } from "#shared/credentials.ts";
import { startNatsServer } from "#test/support/nats-server.ts";

test("a killed server comes back on its port with what it had stored", async () => {
	const server = await startNatsServer();
	try {
		const before = await connect({ servers: server.url, ...natsAuth(server.credentials), reconnect: false });
		await (await before.jetstreamManager()).streams.add({ name: "KEPT", subjects: ["kept"] });
		await before.jetstream().publish("kept", "one");
		const pid = server.pid;
		await server.kill("SIGKILL");
		await before.closed();

		await server.restart();
		expect(server.pid).not.toBe(pid);
		const after = await connect({ servers: server.url, ...natsAuth(server.credentials) });
		const info = await (await after.jetstreamManager()).streams.info("KEPT");
		expect(info.state.messages).toBe(1);
		await after.close();
	} finally {
		await server.stop();
	}
});

test("nobody gets in without the password", async () => {
	const server = await startNatsServer();
	try {
		await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/authorization/i);
	} finally {
		await server.stop();
	}
});
