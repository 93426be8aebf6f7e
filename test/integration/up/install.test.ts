/** `agent install` and `uninstall` with a systemd that only takes notes, in a home folder of the test's own. */

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { installAgent } from "#cli/service/install.ts";
import { uninstallAgent } from "#cli/service/uninstall.ts";
import { generateCredentials, writeCredentials } from "#shared/credentials.ts";
import { resolveHome } from "#shared/home.ts";
import { homeEnv, startCommand } from "#test/support/command-line.ts";
import { newFolder, removeFolder } from "#test/support/test-folder.ts";

/** What fails is named in FAKE_FAILS, as a pattern of the arguments. */
const FAKE_SYSTEMCTL = `#!/bin/sh
echo "systemctl $*" >> "$FAKE_NOTES"
case "$*" in
	*$FAKE_FAILS*) echo "$FAKE_SAYS" >&2; exit 1 ;;
	--version) echo "systemd 252 (252.38)" ;;
	*--property=Version*) echo 252 ;;
	*--property=MainPID*) echo 0 ;;
	*--property=ActiveState*) echo "\${FAKE_STATE:-active}" ;;
esac
`;

const FAKE_LOGINCTL = `#!/bin/sh
echo "loginctl $*" >> "$FAKE_NOTES"
case "$1" in
	show-user) echo "\${FAKE_LINGER:-no}" ;;
	enable-linger) exit "\${FAKE_LINGER_EXIT:-0}" ;;
esac
`;

const FAKE_LAUNCHCTL = `#!/bin/sh
echo "launchctl $*" >> "$FAKE_NOTES"
[ "$1" = bootstrap ] && exit "$FAKE_LAUNCHCTL_EXIT"
exit 0
`;

const place = (joined = true) => {
	const folder = newFolder();
	onTestFinished(() => removeFolder(folder));
	const bin = join(folder, "bin");
	mkdirSync(bin);
	for (const [name, script] of [
		["systemctl", FAKE_SYSTEMCTL],
		["loginctl", FAKE_LOGINCTL],
		["launchctl", FAKE_LAUNCHCTL],
	] as const) {
		writeFileSync(join(bin, name), script);
		chmodSync(join(bin, name), 0o755);
	}
	const home = resolveHome(join(folder, "mesh"));
	if (joined) writeCredentials(home, generateCredentials());
	const notes = join(folder, "notes");
	const units = join(folder, ".config", "systemd", "user");
	return {
		...{ home, bin, folder },
		unit: join(units, "runmesh-agent.service"),
		units: () => (existsSync(units) ? readdirSync(units) : []),
		notes: () => (existsSync(notes) ? readFileSync(notes, "utf8").trim().split("\n") : []),
		run: async (env: NodeJS.ProcessEnv, ...args: string[]) => {
			const { code, stdout, stderr } = await startCommand(["agent", ...args], {
				...homeEnv(home.root),
				...{ HOME: folder, XDG_CONFIG_HOME: "", PATH: `${bin}:${process.env.PATH}` },
				...{ FAKE_NOTES: notes, FAKE_FAILS: "nothing fails", FAKE_SAYS: "no such thing", ...env },
			}).finished;
			return { code, stdout: stdout.toString(), stderr };
		},
	};
};

test("the unit is written, enabled and started, and stays with its user's sessions", async () => {
	const { home, unit, run, notes } = place();
	const { code, stdout } = await run({}, "install");
	expect(code).toBe(0);
	expect(stdout).toContain(`runmesh-agent.service is installed (${unit}): active`);
	expect(stdout).toContain("journalctl --user -u runmesh-agent.service -f");
	expect(readFileSync(unit, "utf8")).toContain(`--home ${home.root}\n`);
	const verbs = notes().filter((note) => !note.includes("show") && !note.includes("--version"));
	expect(verbs).toEqual([
		"systemctl --user daemon-reload",
		"systemctl --user enable runmesh-agent.service",
		"systemctl --user restart runmesh-agent.service",
		expect.stringMatching(/^loginctl enable-linger /),
	]);
});

test("where lingering is not allowed, and where it does not run yet, it says so", async () => {
	const { run } = place();
	const { code, stdout } = await run({ FAKE_LINGER_EXIT: "1", FAKE_STATE: "activating" }, "install", "-o", "json");
	expect(code).toBe(0);
	expect(JSON.parse(stdout)).toMatchObject({
		state: "activating",
		notes: [expect.stringContaining("sudo loginctl enable-linger"), expect.stringContaining("its log says why")],
	});
});

test("--print shows it, and touches nothing", async () => {
	const { unit, run, notes } = place();
	const { code, stdout, stderr } = await run({}, "install", "--print");
	expect(code).toBe(0);
	expect(stdout).toMatch(/^\[Service\]$/m);
	expect(stderr).toContain(unit);
	expect(existsSync(unit)).toBe(false);
	expect(notes()).toEqual(["systemctl --version"]);
});

test.each(["enable ", "restart", "daemon-reload"])("nothing is half-installed when `%s` fails", async (verb) => {
	const { units, run, notes } = place();
	const { code, stderr } = await run({ FAKE_FAILS: verb }, "install");
	expect(code).toBe(5);
	expect(stderr).toContain("no such thing");
	expect(units()).toEqual([]);
	expect(notes().at(-1)).toBe("systemctl --user daemon-reload");
});

test("a unit that was there before is there again when its successor fails", async () => {
	const { unit, run } = place();
	await run({}, "install");
	const before = `${readFileSync(unit, "utf8")}# mine\n`;
	writeFileSync(unit, before);
	expect((await run({ FAKE_FAILS: "enable " }, "install")).code).toBe(5);
	expect(readFileSync(unit, "utf8")).toBe(before);
});

test("without a systemd of this user, or without a mesh, it says what to do", async () => {
	const { units, run } = place();
	const said = await run({ FAKE_FAILS: "property=Version", FAKE_SAYS: "Failed to connect to bus" }, "install");
	expect(said).toMatchObject({ code: 5, stderr: expect.stringContaining("Failed to connect to bus") });
	expect(said.stderr).toContain("--print");
	expect(units()).toEqual([]);
	const alone = await place(false).run({}, "install");
	expect(alone).toMatchObject({ code: 6, stderr: expect.stringContaining("runmesh agent join") });
});

test("on macOS it is a job of launchd, which is taken back when it can't be started", async () => {
	const { home, bin, folder, notes } = place();
	const fakes = { FAKE_NOTES: join(folder, "notes"), PATH: `${bin}:${process.env.PATH}` };
	for (const [name, value] of Object.entries(fakes)) vi.stubEnv(name, value);
	onTestFinished(() => void vi.unstubAllEnvs());
	const request = { home, args: [], system: false, user: null };
	const path = join(folder, "Library", "LaunchAgents", "dev.runmesh.agent.plist");
	vi.stubEnv("FAKE_LAUNCHCTL_EXIT", "5");
	await expect(installAgent(request, { HOME: folder }, "darwin")).rejects.toMatchObject({ code: "RM_UNAVAILABLE" });
	expect(existsSync(path)).toBe(false);
	vi.stubEnv("FAKE_LAUNCHCTL_EXIT", "0");
	expect(await installAgent(request, { HOME: folder }, "darwin")).toMatchObject({ manager: "launchd", path });
	expect(notes().at(-1)).toMatch(/^launchctl bootstrap gui\/\d+ .*dev\.runmesh\.agent\.plist$/);
	expect(await uninstallAgent({ ...request, force: false, purge: false }, { HOME: folder }, "darwin")).toMatchObject({
		removed: true,
	});
	expect(existsSync(path)).toBe(false);
});

test("on Windows it is a file, with the commands that register it", async () => {
	const { home } = place();
	const installed = await installAgent({ home, args: [], system: false, user: null }, {}, "win32");
	expect(existsSync(join(home.root, "runmesh-agent.xml"))).toBe(true);
	expect(installed.notes[0]).toMatch(/^register it with: schtasks \/Create \/TN runmesh-agent \/XML /);
});

test("another home's unit is left alone", async () => {
	const { unit, run } = place();
	await run({}, "install");
	writeFileSync(unit, "# The agent of /srv/other\n[Unit]\n");
	for (const verb of ["install", "uninstall"]) {
		expect(await run({}, verb)).toMatchObject({ code: 4, stderr: expect.stringContaining("/srv/other") });
	}
});

test("uninstalled, the service is gone and the home stays, until it is purged", async () => {
	const { home, unit, run, notes } = place();
	await run({}, "install");
	expect((await run({}, "uninstall")).stdout).toContain("the service is removed");
	expect(existsSync(unit)).toBe(false);
	expect(existsSync(home.credentials)).toBe(true);
	expect(notes().slice(-2)).toEqual([
		"systemctl --user disable --now runmesh-agent.service",
		"systemctl --user daemon-reload",
	]);
	expect((await run({}, "uninstall", "--purge")).stdout).toContain("there was no service");
	expect(existsSync(home.root)).toBe(false);
});

test("it is not uninstalled under a running attempt, unless that is wanted", async () => {
	const { home, unit, run } = place();
	await run({}, "install");
	mkdirSync(join(home.agent, "attempts", "r1.train.1"), { recursive: true });
	expect(await run({}, "uninstall")).toMatchObject({ code: 4, stderr: expect.stringContaining("r1.train.1") });
	expect(existsSync(unit)).toBe(true);
	expect((await run({}, "uninstall", "--force")).stdout).toContain("run on: r1.train.1");
	expect(existsSync(unit)).toBe(false);
});
