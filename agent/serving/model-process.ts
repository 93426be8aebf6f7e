/**
 * Starts the children that touch models. A model can take any amount of memory and time and can crash its process:
 * that process is one of these, never the agent. It gets no credentials, and a socket as its third descriptor.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { RunmeshError } from "#shared/errors.ts";
import { type Frame, frameReader, writeFrame } from "./frames.ts";

export interface ModelProcess {
	readonly pid: number;
	send(header: object, tensors?: Uint8Array[]): void;
	/** Closes the socket: the child ends when it has read that. */
	close(): void;
	/** `reason` goes on with "the process …": "took too long". The first one stands. */
	kill(reason: string): void;
	/** How it ended, to go on with "the process …": "was ended by SIGSEGV". Never rejects. */
	readonly ended: Promise<string>;
}

export interface ModelProcessOptions {
	/** The child's program: a .ts file beside this one. */
	entry: URL;
	args: string[];
	memoryBytes: number;
	onFrame: (frame: Frame) => void;
}

/** What Node and the runtime need of address space before any model is there. */
const RUNTIME_BYTES = 1024 ** 3;
const STDERR_TAIL = 2_000;
const KILL_AFTER_MS = 3_000;

const passedOn = ["PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"];

const environment = (): NodeJS.ProcessEnv => {
	const kept = passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
	return { ...Object.fromEntries(kept), ORT_DISABLE_TELEMETRY: "1" };
};

/** The shell sets the limit and becomes the child; where there is no such limit (macOS) it goes on without. */
const LIMITED = 'ulimit -d "$0" 2>/dev/null; exec "$@"';

const describe = (code: number | null, signal: string | null, stderr: string): string => {
	const words = stderr.trim();
	return `${signal ? `was ended by ${signal}` : `ended with exit code ${code}`}${words ? `: ${words}` : ""}`;
};

export const startModelProcess = (options: ModelProcessOptions): ModelProcess => {
	const { entry, args, memoryBytes, onFrame } = options;
	const limitKib = Math.ceil((memoryBytes + RUNTIME_BYTES) / 1024);
	const command = [String(limitKib), process.execPath, "--disable-warning=ExperimentalWarning", fileURLToPath(entry)];
	const child: ChildProcess = spawn("/bin/sh", ["-c", LIMITED, ...command, ...args], {
		env: environment(),
		stdio: ["ignore", "ignore", "pipe", "pipe"],
	});
	const notStarted = new Promise<string>((resolve) => {
		child.on("error", (error) => resolve(`could not be started: ${error.message}`));
	});
	// There are no pipes where the system has no descriptors left.
	const socket = child.stdio?.[3] as Duplex | undefined;
	if (!socket) throw new RunmeshError("RM_UNAVAILABLE", "no process could be started: too many files are open");
	let stderr = "";
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		stderr = (stderr + text).slice(-STDERR_TAIL);
	});

	let killed: string | null = null;
	const kill = (reason: string): void => {
		killed ??= reason;
		child.kill("SIGKILL");
	};
	const read = frameReader(onFrame);
	socket.on("data", (chunk: Buffer) => {
		try {
			read(chunk);
		} catch (error) {
			// A process whose memory a model has damaged may say anything.
			kill(`sent what is no message: ${(error as Error).message}`);
		}
	});
	// The end of the process tells more than the end of its socket.
	socket.on("error", () => {});

	const closed = new Promise<string>((resolve) => {
		child.on("close", (code, signal) => resolve(killed ?? describe(code, signal, stderr)));
	});
	const ended = Promise.race([notStarted, closed]);
	return {
		pid: child.pid ?? -1,
		send: (header, tensors) => {
			if (socket.writable) writeFrame(socket, header, tensors);
		},
		close: () => {
			socket.end();
			const patience = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
			void ended.then(() => clearTimeout(patience));
		},
		kill,
		ended,
	};
};
