/** Code trees of three files, and what a step makes of what it is given: equal things make equal results. */

import type { ArtifactRef, CodeUse, Task } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";

const FILES = 3;

/** Eight hex digits of a text, eight times. */
export const digestOf = (text: string): Digest => {
	let hash = 0x811c9dc5;
	for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
	return `sha256:${hash.toString(16).padStart(8, "0").repeat(8)}` as Digest;
};

export const numberOf = (digest: Digest): number => Number.parseInt(digest.slice(-8), 16);

/** The tree's name tells the version of each file: "code.0.1.0". */
const treeName = (versions: readonly number[]): string => `code.${versions.join(".")}`;

const versionsOf = new Map<string, readonly number[]>();

export const codeTree = (versions: readonly number[]): ArtifactRef => {
	const name = treeName(versions);
	const digest = digestOf(name);
	versionsOf.set(digest, versions);
	return { name, digest, sizeBytes: FILES, fileCount: FILES, holders: ["coordinator"] };
};

/** The file that a command reads, and its version in the tree. */
export const codeUseOf = (command: string, code: ArtifactRef | null): CodeUse => {
	const file = numberOf(digestOf(command)) % FILES;
	const version = code ? (versionsOf.get(code.digest)?.[file] ?? 0) : 0;
	return { paths: [`f${file}`], key: digestOf(`f${file}.${version}`), readsParams: readsParams(command) };
};

const readsParams = (command: string): boolean => numberOf(digestOf(`${command}?`)) % 2 === 0;

export const readsSame = (code: Digest, { paths, key }: CodeUse): boolean =>
	paths.every((path) => digestOf(`${path}.${versionsOf.get(code)?.[Number(path.slice(1))] ?? 0}`) === key);

export type Work = Pick<Task, "action" | "env" | "inputs" | "paramsJson" | "code"> & { outputs: { name: string }[] };

/** What decides the results: all that the step may look at. */
export const resultOf = ({ action, env, inputs, paramsJson, code, outputs }: Work): Digest => {
	const command = action.kind === "command" ? action.command : "";
	const { params, matrix } = JSON.parse(paramsJson) as { params: unknown; matrix: unknown };
	const given = [
		command,
		env,
		inputs.map(({ name, digest }) => [name, digest]),
		matrix,
		outputs.map(({ name }) => name),
	];
	const seen = readsParams(command) ? [...given, params] : given;
	return digestOf(JSON.stringify([seen, codeUseOf(command, code).key]));
};
