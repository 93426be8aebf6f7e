/** A container as its engine tells of it. */

import { type Client, ClientError, call } from "./client.ts";

export interface ContainerState {
	running: boolean;
	paused: boolean;
	/** Its process began. */
	started: boolean;
	exitCode: number;
	outOfMemory: boolean;
	/** Why it could not be started; "" when it was. */
	error: string;
	/** On this host; 0 when there is none. */
	pid: number;
}

interface Told {
	Status?: string;
	Running?: boolean;
	Paused?: boolean;
	OOMKilled?: boolean;
	ExitCode?: number;
	Error?: string;
	Pid?: number;
	StartedAt?: string;
}

/** null when there is none of that name. Rejects when the engine does not answer. */
export const inspectContainer = async (client: Client, name: string): Promise<ContainerState | null> => {
	let said: string;
	try {
		said = await call(client, ["container", "inspect", "--format", "{{json .State}}", name]);
	} catch (error) {
		if (error instanceof ClientError && isNone(error)) return null;
		throw error;
	}
	const told = JSON.parse(said) as Told;
	return {
		running: told.Running === true || told.Paused === true,
		paused: told.Paused === true,
		started: !/^(0001|$)/.test(told.StartedAt ?? "") && told.Status !== "created",
		exitCode: told.ExitCode ?? 0,
		outOfMemory: told.OOMKilled === true,
		error: told.Error ?? "",
		pid: told.Pid ?? 0,
	};
};

/** Killed first when it runs. Resolves when it is gone. */
export const removeContainer = async (client: Client, name: string): Promise<void> => {
	try {
		// Podman would give it ten seconds more to end by itself.
		const atOnce = client.program === "podman" ? ["--time", "0"] : [];
		await call(client, ["rm", "--force", "--volumes", ...atOnce, name], { timeoutMs: REMOVE_MS });
	} catch (error) {
		// Somebody else may be at it.
		if (error instanceof ClientError && isNone(error)) return;
		throw error;
	}
};

/** A file system that is slow to let go. */
const REMOVE_MS = 60_000;

const isNone = ({ message }: ClientError): boolean =>
	/no such container|no container with name or id|already in progress/i.test(message);

/** Whether an image's file is there; what can't be told counts as there. */
export const hasFile = async (client: Client, name: string, path: string): Promise<boolean> => {
	try {
		await call(client, ["cp", `${name}:${path}`, "-"]);
		return true;
	} catch (error) {
		return !(
			error instanceof ClientError && /could not find the file|no such file|could not be found/i.test(error.message)
		);
	}
};
