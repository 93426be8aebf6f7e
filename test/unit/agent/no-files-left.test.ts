/** A host on which no more files can be opened, as while a step fills the system's table of them: the agent lives on. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const agent = (path: string): string => fileURLToPath(new URL(`../../../agent/${path}`, import.meta.url));

const script = `
import { closeSync, openSync } from "node:fs";
const { measureFolders } = await import(${JSON.stringify(agent("disk/measure.ts"))});
const { askTool } = await import(${JSON.stringify(agent("fingerprint/tool.ts"))});
const files = [];
try { for (;;) files.push(openSync("/dev/null")); } catch {}
const [measured, asked] = await Promise.allSettled([measureFolders(["/tmp"]), askTool("true", [])]);
for (const file of files) closeSync(file);
console.log(measured.value?.size, asked.reason?.message);
`;

test.runIf(process.platform === "linux")("a tool can't be started then, and says so", () => {
	const command = 'ulimit -n 64; exec setsid --wait "$1" --input-type=module -e "$2"';
	const { stdout, stderr } = spawnSync("/bin/sh", ["-c", command, "sh", process.execPath, script], {
		encoding: "utf8",
	});
	expect(stderr).not.toContain("Error");
	expect(stdout).toMatch(/^0 true can't be started: .*EMFILE/);
});
