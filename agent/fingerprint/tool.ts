/**
 * Asks a program on this host something. One that hangs is killed with all that it started; one that not even that
 * ends, such as a driver's tool that waits for its device, is asked no more before it has gone.
 */

import { type ChildProcess, spawn } from "node:child_process";

export const PROBE_TIMEOUT_MS = 3_000;

const OUTPUT_BYTES = 1024 * 1024;
const COMPLAINT_BYTES = 4 * 1024;
/** Something that it leaves behind may hold its output open. */
const OUTPUT_AFTER_END_MS = 200;

/** Not its own doing, nor that of what it looks at: the host has no more processes or files to give. */
export class NotStarted extends Error {}

/** Programs that were killed and have not gone. */
const stuck = new Set<string>();

/** Its output; null when there is no such program. Rejects when it fails, with what it said. */
export const askTool = async (
	program: string,
	args: string[],
	timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string | null> => {
	const answer = await runTool(program, args, timeoutMs);
	if (!answer || answer.code === 0) return answer?.output ?? null;
	const said = (answer.complaint || answer.output).trim().split("\n")[0];
	throw new Error(`${program} failed: ${said || answer.signal || `exit code ${answer.code}`}`);
};

export interface ToolAnswer {
	/** null when a signal ended it. */
	code: number | null;
	signal: string | null;
	output: string;
	complaint: string;
}

/** All that it said, however it ended; null when there is no such program. Rejects when it hangs. */
export const runTool = (program: string, args: string[], timeoutMs = PROBE_TIMEOUT_MS): Promise<ToolAnswer | null> =>
	new Promise((resolve, reject) => {
		if (stuck.has(program)) return reject(new Error(`${program} hangs since it was asked before`));
		// Where no more files can be opened it has no output.
		const child: ChildProcess = spawn(program, args, {
			env: { ...process.env, LC_ALL: "C" },
			// Of a group of its own, to be killed as one.
			detached: process.platform !== "win32",
			stdio: ["ignore", "pipe", "pipe"],
			windowsHide: true,
		});
		const output: Buffer[] = [];
		let outputBytes = 0;
		let complaint = "";
		let timer = setTimeout(() => giveUp(`gave no answer in ${timeoutMs / 1000} s`), timeoutMs);

		const settle = (): void => {
			clearTimeout(timer);
			child.stdout?.destroy();
			child.stderr?.destroy();
			child.unref();
		};
		const giveUp = (why: string): void => {
			settle();
			if (child.exitCode === null && child.signalCode === null) stuck.add(program);
			killAll(child.pid);
			reject(new Error(`${program} ${why}`));
		};
		const answer = (code: number | null, signal: string | null): void => {
			settle();
			resolve({ code, signal, output: Buffer.concat(output).toString(), complaint });
		};

		child.stdout?.on("data", (bytes: Buffer) => {
			outputBytes += bytes.length;
			if (outputBytes > OUTPUT_BYTES) giveUp(`said more than ${OUTPUT_BYTES / 1024} KiB`);
			else output.push(bytes);
		});
		child.stderr?.on("data", (bytes: Buffer) => {
			if (complaint.length < COMPLAINT_BYTES) complaint += bytes.toString();
		});
		child.on("error", (error: NodeJS.ErrnoException) => {
			settle();
			if (error.code === "ENOENT") resolve(null);
			else reject(new NotStarted(`${program} can't be started: ${error.message}`));
		});
		child.on("exit", (code, signal) => {
			stuck.delete(program);
			clearTimeout(timer);
			timer = setTimeout(answer, OUTPUT_AFTER_END_MS, code, signal);
		});
		child.on("close", answer);
	});

const killAll = (pid: number | undefined): void => {
	if (pid === undefined) return;
	try {
		process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
	} catch {
		// Gone already.
	}
};
