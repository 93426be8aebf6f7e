/**
 * What an attempt's files say of its container:
 *
 *   container.json      Before the launch: which engine runs it, under which name, from which image. An agent that is
 *                       started again finds the container by it, whatever its own flags say by then.
 *   container-env       Before the launch: the step's variables, for the engine's client to read.
 *   container-end.json  Before the container is removed: how it ended. After that nobody could say.
 */

import { readJson, replaceFile } from "../files/file.ts";
import type { AttemptPaths } from "../files/paths.ts";
import type { ContainerUsage } from "./cgroup-usage.ts";
import type { Client } from "./client.ts";
import type { EngineName } from "./engine.ts";
import type { ContainerState } from "./state.ts";

export interface ContainerRecord {
	client: Client;
	engine: EngineName;
	name: string;
	/** As the step names it. */
	image: string;
	imageId: string;
	/** The interpreter, or the program itself. */
	program: string;
	/** Limits that the engine was given. */
	limits: string[];
	memoryBytes: number;
	/** Of its stderr: what the step itself says comes behind. */
	setupBytes: number;
}

/** What was found when its client had ended. */
export interface ContainerEnd {
	/** null when there was no container. */
	state: ContainerState | null;
	/** The engine did not answer then. */
	unreachable: boolean;
	/** Its program is not in the image. */
	programMissing: boolean;
	usage: ContainerUsage;
}

const recordOf = ({ folder }: AttemptPaths): string => `${folder}/container.json`;
const endOf = ({ folder }: AttemptPaths): string => `${folder}/container-end.json`;
export const envFileOf = ({ folder }: AttemptPaths): string => `${folder}/container-env`;

export const writeRecord = (paths: AttemptPaths, record: ContainerRecord): void => writeJson(recordOf(paths), record);
export const writeEnd = (paths: AttemptPaths, end: ContainerEnd): void => writeJson(endOf(paths), end);
export const readRecord = (paths: AttemptPaths): ContainerRecord | null => readJson(recordOf(paths));
export const readEnd = (paths: AttemptPaths): ContainerEnd | null => readJson(endOf(paths));

const writeJson = (path: string, value: unknown): void => replaceFile(path, JSON.stringify(value));
