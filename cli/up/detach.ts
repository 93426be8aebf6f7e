/** `up --detach`: a mesh in the background. Returns when it is ready; until then it ends with this process. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";
import { readChildMessage } from "./child-messages.ts";
import type { MeshOptions } from "./options.ts";
import { processLog } from "./process-log.ts";
import type { MeshSummary } from "./summary.ts";

/** What may be told to a process in the background: all but the parts that are this process's own. */
export type DetachedRequest = Partial<Omit<MeshOptions, "home" | "env" | "onEvent" | "signal" | "programs">>;

const readySchema = z.object({ ready: z.literal(true), summary: z.custom<MeshSummary>((value) => value !== null) });

export const upLogPath = (home: Home): string => join(home.logs, "up.log");

export const startDetached = async (home: Home, request: DetachedRequest): Promise<MeshSummary> => {
	const program = fileURLToPath(new URL("./background.ts", import.meta.url));
	const log = processLog(upLogPath(home));
	const output = log.open();
	const child = spawn(
		process.execPath,
		["--disable-warning=ExperimentalWarning", program, home.root, JSON.stringify(request)],
		{ detached: true, windowsHide: true, stdio: ["ignore", output, output, "ipc"] },
	);
	closeSync(output);
	const ended = new AbortController();
	child.once("error", () => ended.abort());
	const exited = once(child, "exit").then(() => ended.abort());
	try {
		const { summary } = await readChildMessage(child, readySchema, ended.signal);
		child.disconnect();
		child.unref();
		return summary;
	} catch (error) {
		if (error instanceof RunmeshError) {
			// It says why before it has put everything away.
			await exited;
			throw error;
		}
		const tail = log.tail(8).map((line) => `\n  ${line}`);
		throw new RunmeshError("RM_INTERNAL", `the mesh in the background ended before it was ready${tail.join("")}`, {
			hint: `its log is ${log.path}`,
			cause: error,
		});
	} finally {
		log.close();
	}
};
