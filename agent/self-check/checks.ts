/** What must work on this host before anything may be run on it. Each check rejects with what a person can do about it. */

import { mkdtemp, open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { askTool } from "../fingerprint/tool.ts";

export interface Check {
	readonly name: string;
	check(): Promise<void>;
}

/** `folder` is the agent's. */
export const hostChecks = (folder: string): readonly Check[] => [
	{ name: "shell", check: checkShell },
	{ name: "folder", check: () => checkFolder(folder) },
	{ name: "temp", check: () => checkTemp(tmpdir()) },
	{ name: "clock", check: async () => checkClock(Date.now()) },
];

/** Every attempt starts with one. */
const checkShell = async (): Promise<void> => {
	const said = await askTool("/bin/sh", ["-c", "echo ready"]);
	if (said === null) throw new Error("there is no /bin/sh, which every step is started by");
	if (said.trim() !== "ready") throw new Error(`/bin/sh does not do what it is told: it said "${said.slice(0, 80)}"`);
};

/** Written, synced and renamed: what the agent does with everything it must not forget. */
export const checkFolder = async (folder: string): Promise<void> => {
	const path = `${folder}/self-check`;
	try {
		const file = await open(`${path}.new`, "w", 0o600);
		try {
			await file.writeFile("written\n");
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(`${path}.new`, path);
	} catch (error) {
		throw new Error(`the agent's folder ${folder} can't be written: ${remedy(error)}`);
	}
};

export const checkTemp = async (folder: string): Promise<void> => {
	try {
		const made = await mkdtemp(`${folder}/runmesh-check-`);
		await rm(made, { recursive: true });
	} catch (error) {
		throw new Error(`the temporary folder ${folder} can't be used: ${remedy(error)}; or set TMPDIR to another`);
	}
};

const REMEDIES: Readonly<Record<string, string>> = {
	ENOSPC: "no space, or no file, is left on its disk; make room",
	EDQUOT: "its owner's quota is used up; make room",
	EROFS: "its disk is mounted read-only, as after an error of the disk: see dmesg",
	EACCES: "the agent's user has no right to; give it the folder with chown",
	EPERM: "the agent's user has no right to; give it the folder with chown",
	ENOENT: "it is not there; make it",
	EIO: "its disk fails: see dmesg",
};

const remedy = (error: unknown): string => {
	const { code = "", message } = error as NodeJS.ErrnoException;
	return REMEDIES[code] ?? message;
};

/** No release is older. */
const FIRST_RELEASE = Date.UTC(2025, 0, 1);

/** A board without a battery begins in 1970: times of results and files would mean nothing. */
export const checkClock = (nowMs: number): void => {
	if (nowMs >= FIRST_RELEASE) return;
	const day = new Date(nowMs).toISOString().slice(0, 10);
	throw new Error(`the clock says ${day}, which is before runmesh was made; set it, such as with an NTP service`);
};
