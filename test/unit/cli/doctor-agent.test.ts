/** What `doctor` says of a home's agent: its file, and whether its mesh can be reached. */

import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkJoined, checkLimits, checkService, checkShell } from "#cli/doctor/agent.ts";
import { checkProcesses } from "#cli/doctor/mesh.ts";
import { writeAgentFile } from "#shared/agent-file.ts";
import { type Home, resolveHome } from "#shared/home.ts";
import { writeJoined } from "#shared/joined.ts";
import { lockFolder } from "#shared/lock.ts";

const newHome = (): Home => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-doctor-"));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	return resolveHome(folder);
};

test("a home that has joined nothing is no problem", async () => {
	expect(await checkJoined(newHome())).toMatchObject({ verdict: "ok" });
	expect(await checkService(newHome(), { HOME: newHome().root })).toBe(null);
	expect(await checkShell()).toMatchObject({ verdict: "ok" });
});

test("a mistake in agent.json is told, with the file", async () => {
	const home = newHome();
	writeFileSync(home.agentFile, '{"memroy": "4Gi"}');
	expect(await checkJoined(home)).toMatchObject({
		verdict: "fail",
		detail: expect.stringContaining(home.agentFile),
		advice: "did you mean `memory`?",
	});
});

test("a mesh that can't be reached is told, with the wire", async () => {
	const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
	await once(server, "listening");
	const address = server.address();
	const port = typeof address === "object" && address ? address.port : 0;
	const home = newHome();
	writeAgentFile(home, { nats: [`nats://127.0.0.1:${port}`], coordinator: `127.0.0.1:${port}` });
	writeJoined(home, { url: "http://lab-1:7400" });
	const mesh = "of the mesh at http://lab-1:7400";
	expect(await checkJoined(home)).toMatchObject({ verdict: "warn", detail: `${mesh}, not running` });
	expect(checkProcesses(home, null)).toMatchObject({ verdict: "ok", detail: expect.stringContaining("lab-1:7400") });
	mkdirSync(home.agent, { recursive: true });
	const lock = lockFolder(home.agent, "agent");
	onTestFinished(() => lock.release());
	expect(await checkJoined(home)).toMatchObject({ verdict: "ok", detail: `${mesh}, running` });
	server.close();
	await once(server, "close");
	expect(await checkJoined(home)).toMatchObject({
		verdict: "fail",
		detail: expect.stringContaining(`nats://127.0.0.1:${port}`),
	});
});

test("limits are looked for where control groups are", async () => {
	expect(await checkLimits(newHome().root)).toMatchObject({
		name: "limits",
		verdict: expect.stringMatching(/ok|warn/),
	});
});
