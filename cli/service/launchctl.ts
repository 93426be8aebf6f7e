/** A launchd job of ours: started so that it is there after a failure as it was before, or not at all. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readFileAt, restoreFile, type ServiceFile, writeFileAt } from "./file.ts";
import { refuseForeignAgent, refuseOtherHome } from "./home.ts";
import { homeOfJob, LABEL } from "./launchd.ts";
import { say } from "./manager.ts";
import type { Started } from "./spec.ts";

const domain = (system: boolean): string => (system ? "system" : `gui/${process.getuid?.() ?? 0}`);

export const startJob = async (file: ServiceFile, home: Home, system: boolean): Promise<Started> => {
	const target = `${domain(system)}/${LABEL}`;
	const before = readFileAt(file.path);
	if (before === null) refuseForeignAgent(home, 0);
	else refuseOtherHome(file.path, homeOfJob(before), home);
	mkdirSync(home.logs, { recursive: true, mode: 0o700 });
	writeFileAt(file.path, file.text);
	// The one before; there may be none.
	await say("launchctl", "bootout", target);
	const said = await say("launchctl", "bootstrap", domain(system), file.path);
	if (!said.ok) {
		restoreFile(file.path, before);
		if (before !== null) await say("launchctl", "bootstrap", domain(system), file.path);
		throw new RunmeshError("RM_UNAVAILABLE", `launchctl could not start ${LABEL}: ${said.text}`, {
			hint: "nothing was changed; log in at the screen of this machine, or use --system; `--print` shows the job",
		});
	}
	return {
		state: "started",
		status: `launchctl print ${target}`,
		logs: `tail -f ${join(home.logs, "agent.log")}`,
		notes: [],
	};
};

/** False when there was none. */
export const removeJob = async (path: string, home: Home, system: boolean): Promise<boolean> => {
	const before = readFileAt(path);
	if (before === null) return false;
	refuseOtherHome(path, homeOfJob(before), home);
	await say("launchctl", "bootout", `${domain(system)}/${LABEL}`);
	restoreFile(path, null);
	return true;
};
