/** Commands of the service managers and of other tools: systemctl, loginctl, launchctl, docker. */

import { execFile } from "node:child_process";

export type Said = { ok: true; text: string } | { ok: false; missing: boolean; text: string };

const WITHIN_MS = 30_000;

/** 0 where there is none. */
export const systemdVersion = async (): Promise<number> => {
	const said = await say("systemctl", "--version");
	return Number(/^systemd (\d+)/.exec(said.text)?.[1] ?? 0);
};

export const say = (program: string, ...args: string[]): Promise<Said> =>
	new Promise((resolve) => {
		execFile(program, args, { timeout: WITHIN_MS, env: { ...process.env, LC_ALL: "C" } }, (error, stdout, stderr) => {
			if (!error) return resolve({ ok: true, text: stdout.trim() });
			const text = (stderr.trim() || stdout.trim() || error.message).split("\n").at(-1) ?? "";
			resolve({ ok: false, missing: (error as NodeJS.ErrnoException).code === "ENOENT", text });
		});
	});
