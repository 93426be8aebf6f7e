/** The files that service managers are given. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ServiceFile } from "#cli/service/file.ts";
import { startJob } from "#cli/service/launchctl.ts";
import { homeOfJob, plistPath, plistText } from "#cli/service/launchd.ts";
import type { ServiceSpec } from "#cli/service/spec.ts";
import { serviceSpec } from "#cli/service/spec.ts";
import { homeOfUnit, unitPath, unitText } from "#cli/service/systemd.ts";
import { uninstallAgent } from "#cli/service/uninstall.ts";
import { folderOfUser, serviceUser } from "#cli/service/user.ts";
import { taskText } from "#cli/service/windows.ts";
import { resolveHome } from "#shared/home.ts";
import { lockFolder } from "#shared/lock.ts";

const awkward = resolveHome('/tmp/a "b" 100%/$HOME\\x');

const specOf = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({
	home: awkward,
	command: ["/opt/node", "/opt/runmesh/agent/main.ts", "--home", awkward.root],
	environment: { PATH: "/usr/bin:/opt/100% mine/bin" },
	system: false,
	user: null,
	...more,
});

test("a unit keeps steps alive, and says everything by absolute paths", () => {
	const home = resolveHome("/home/ml/.runmesh");
	const spec = serviceSpec(
		{ home, args: ["--once"], system: false, user: null },
		{ PATH: "/usr/bin", AWS: "x" },
		false,
	);
	const text = unitText(spec, 252);
	expect(text).toMatch(
		/^ExecStart=\/\S+ --disable-warning=ExperimentalWarning \/\S+\/agent\/main\.ts --home \/home\/ml\/\.runmesh --once$/m,
	);
	for (const line of [
		"KillMode=process",
		"Delegate=yes",
		"Restart=always",
		"OOMPolicy=continue",
		"TasksMax=infinity",
	]) {
		expect(text.split("\n")).toContain(line);
	}
	expect(text).toContain('Environment="PATH=/usr/bin"');
	expect(text).not.toContain("AWS");
	expect(text).toContain("WantedBy=default.target");
	expect(text).not.toContain("RestartSteps");
	expect(text).not.toContain("DelegateSubgroup");
	expect(unitText(spec, 255)).toMatch(/RestartSteps=8[\s\S]*DelegateSubgroup=agent/);
	expect(homeOfUnit(text)).toBe("/home/ml/.runmesh");
	expect(homeOfUnit("[Unit]\n")).toBe(null);
});

test("a unit of the machine names its user", () => {
	const text = unitText(specOf({ system: true, user: "ml" }), 252);
	expect(text).toContain("\nUser=ml\n");
	expect(text).toContain("WantedBy=multi-user.target");
	expect(unitPath(true, {})).toBe("/etc/systemd/system/runmesh-agent.service");
	expect(unitPath(false, { HOME: "/h" })).toBe("/h/.config/systemd/user/runmesh-agent.service");
});

test("what systemd would expand is escaped", () => {
	const text = unitText(specOf(), 252);
	expect(text).toContain('"/tmp/a \\"b\\" 100%%/$$HOME\\\\x"');
	expect(text).toContain('WorkingDirectory=/tmp/a "b" 100%%/$HOME\\x');
	expect(text).toContain('Environment="PATH=/usr/bin:/opt/100%% mine/bin"');
});

test("a service of the machine runs as the owner of its home, or not at all", () => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-owner-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const home = resolveHome(folder);
	const me = userInfo();
	expect(serviceUser(null, home)).toBe(me.username);
	expect(serviceUser(me.username, home)).toBe(me.username);
	expect(() => serviceUser(me.uid === 0 ? "nobody" : "root", home)).toThrow(/belongs to another user/);
	expect(() => serviceUser("no such; user", home)).toThrow(/no user no such; user is known/);
	expect(folderOfUser("no-such-user")).toBe(null);
	expect(folderOfUser("root")).toMatch(/^\//);
});

const analyze = "/usr/bin/systemd-analyze";

test.skipIf(!existsSync(analyze)).each([true, false])("systemd itself finds nothing wrong (system: %s)", (system) => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-unit-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const path = join(folder, "runmesh-agent.service");
	const command = [process.execPath, ...specOf().command.slice(1)];
	writeFileSync(path, unitText(specOf({ system, command, user: system ? "root" : null }), 252));
	mkdirSync(join(folder, "run"));
	const { stdout, stderr } = spawnSync(analyze, ["verify", system ? "--system" : "--user", path], {
		encoding: "utf8",
		env: { ...process.env, XDG_RUNTIME_DIR: join(folder, "run") },
	});
	expect(stdout + stderr).toBe("");
});

test("a launchd job leaves steps alone, and is not started again once it has left", () => {
	const text = plistText(specOf({ user: "ml" }));
	expect(text).toMatch(/<key>AbandonProcessGroup<\/key>\s*<true\/>/);
	expect(text).toMatch(/<key>KeepAlive<\/key>\s*<dict>\s*<key>SuccessfulExit<\/key>\s*<false\/>/);
	expect(text).toContain("<string>/tmp/a &quot;b&quot; 100%/$HOME\\x</string>");
	expect(text).toMatch(/<key>UserName<\/key>\s*<string>ml<\/string>/);
	expect(plistPath(false, { HOME: "/Users/ml" })).toBe("/Users/ml/Library/LaunchAgents/dev.runmesh.agent.plist");
});

test("where nobody keeps what it says, it has a log file of its own", () => {
	const home = resolveHome("/home/ml/.runmesh");
	const request = { home, args: [], system: false, user: null };
	expect(serviceSpec(request, {}, true).command.slice(-2)).toEqual(["--log-file", "/home/ml/.runmesh/logs/agent.log"]);
	expect(serviceSpec(request, {}, false).command).not.toContain("--log-file");
});

test("a Windows task runs for as long as it will", () => {
	const text = taskText(specOf());
	expect(text).toContain("<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>");
	expect(text).toContain("<Command>/opt/node</Command>");
	expect(text).toContain("&quot;");
});

test("a launchd job of another home is neither replaced nor removed", async () => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-jobs-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	const env = { HOME: folder };
	const path = plistPath(false, env);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, plistText(specOf()));
	expect(homeOfJob(plistText(specOf()))).toBe(awkward.root);
	const home = resolveHome(join(folder, "home"));
	const refusal = { code: "RM_CONFLICT", message: expect.stringContaining(awkward.root) };
	const file: ServiceFile = { manager: "launchd", name: "job", path, text: "", commands: [] };
	await expect(startJob(file, home, false)).rejects.toMatchObject(refusal);
	const request = { home, system: false, force: false, purge: true };
	await expect(uninstallAgent(request, env, "darwin")).rejects.toMatchObject(refusal);
	expect(existsSync(path)).toBe(true);
});

test("a home on which an agent runs is not removed", async () => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-purge-"));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	const home = resolveHome(join(folder, "home"));
	mkdirSync(home.agent, { recursive: true });
	const lock = lockFolder(home.agent, "agent");
	const purge = () => uninstallAgent({ home, system: false, force: false, purge: true }, { HOME: folder }, "darwin");
	await expect(purge()).rejects.toMatchObject({
		code: "RM_ALREADY_UP",
		message: expect.stringContaining(String(process.pid)),
	});
	expect(existsSync(home.agent)).toBe(true);
	lock.release();
	expect(await purge()).toMatchObject({ removed: false, purged: true });
	expect(existsSync(home.root)).toBe(false);
});
