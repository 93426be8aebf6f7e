/** How much disk folders take, walked by a process of its own that gives way to others. */

import { type ChildProcess, spawn } from "node:child_process";

/** Of a tree with millions of files on a slow disk. */
const LIMIT_MS = 300_000;

/** Bytes by folder; one that is gone, or can't be walked at all, is missing. Folders must not lie in each other. */
export const measureFolders = (folders: readonly string[]): Promise<Map<string, number>> =>
	new Promise((resolve) => {
		if (folders.length === 0) return resolve(new Map());
		// -x: what a step has mounted is another disk. What it hides from itself is not counted, and no reason to fail.
		const args = ["-n", "15", "du", "-skx", "--", ...folders];
		let child: ChildProcess;
		try {
			// Where no more files can be opened it has no output.
			child = spawn("nice", args, { stdio: ["ignore", "pipe", "ignore"] });
		} catch {
			return resolve(new Map());
		}
		let text = "";
		const timer = setTimeout(() => end(), LIMIT_MS);
		const end = (): void => {
			clearTimeout(timer);
			child.kill("SIGKILL");
			child.stdout?.destroy();
			child.unref();
			resolve(parseSizes(text));
		};
		child.stdout?.on("data", (bytes: Buffer) => {
			text += bytes.toString();
		});
		child.on("error", end);
		child.on("close", end);
	});

/** Lines of kibibytes, a tab and the folder. */
export const parseSizes = (text: string): Map<string, number> => {
	const sizes = new Map<string, number>();
	for (const line of text.split("\n")) {
		const [, kibibytes, folder] = /^(\d+)\t(.+)$/.exec(line) ?? [];
		if (folder !== undefined) sizes.set(folder, Number(kibibytes) * 1024);
	}
	return sizes;
};
