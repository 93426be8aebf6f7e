/**
 * What makes two steps the same: everything that goes into one and is known before it runs. The code and the parameters
 * are compared apart (cached.ts), for of those only what is read counts. What a step may use of the machine is no part: resources say
 * where it fits, not what it computes.
 */

import type { StepEnvironment } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { sha256Hex } from "#shared/sha256.ts";
import type { Step } from "./state.ts";
import { actionOf, environmentOf, imageOf, inputsOf, paramsOf } from "./task.ts";

export interface CacheParts {
	command: string;
	shell: string[];
	workdir: string;
	env: Record<string, string>;
	/** Digests by name. */
	inputs: Record<string, Digest>;
	/** Paths by name. */
	outputs: Record<string, string>;
	params: Record<string, unknown>;
	matrix: Record<string, unknown>;
	/** Only of a step that has one, as with what follows: keys of before are then the same. */
	image?: string;
	environment?: StepEnvironment;
	nodes?: number;
}

export interface Key {
	key: string;
	/** With the whole code and all parameters: equal now, whatever is read of them. */
	exact: string;
	partsJson: string;
	paramsDigest: string;
}

const keys = new WeakMap<Step, Key | null>();

/** null for a step that no cache is asked for. */
export const keyOf = (step: Step): Key | null => {
	const { run, definition } = step;
	if (definition.cache === null || definition.action.kind !== "command" || run.cacheMode === "off") return null;
	let known = keys.get(step);
	if (known === undefined) {
		known = makeKey(step);
		keys.set(step, known);
	}
	return known;
};

/** null for one whose key has not been asked for. */
export const knownKey = (step: Step): Key | null => keys.get(step) ?? null;

const makeKey = (step: Step): Key | null => {
	try {
		const parts = cachePartsOf(step);
		const { params, ...others } = parts;
		const key = sha256Hex(canonicalJson(others));
		const paramsDigest = sha256Hex(canonicalJson(params));
		const exact = `${key} ${paramsDigest} ${step.run.code?.digest ?? ""}`;
		return { key, exact, partsJson: shortParts(parts), paramsDigest };
	} catch {
		// An expression that has no value: its task will say so.
		return null;
	}
};

const cachePartsOf = (step: Step): CacheParts => {
	const action = actionOf(step);
	const { params, matrix } = paramsOf(step);
	const { outputs, environment, nodes } = step.definition;
	const image = imageOf(step);
	return {
		command: action.kind === "command" ? action.command : "",
		shell: action.kind === "command" ? action.shell : [],
		workdir: action.kind === "command" ? action.workdir : "",
		env: environmentOf(step),
		inputs: Object.fromEntries(inputsOf(step).map(({ name, digest }) => [name, digest])),
		outputs,
		params,
		matrix,
		...(image === "" ? {} : { image }),
		...(environment ? { environment } : {}),
		...(nodes > 1 ? { nodes } : {}),
	};
};

const LONG = 200;

/** Long texts by their digest: enough to tell that they differ. */
const shortParts = (parts: CacheParts): string =>
	JSON.stringify(JSON.parse(canonicalJson(parts)), (_key, value: unknown) =>
		typeof value === "string" && value.length > LONG
			? `${value.slice(0, LONG / 4)}… (sha256:${sha256Hex(value).slice(0, 16)})`
			: value,
	);

const DIFFERENCES_TOLD = 5;
const VALUE_TOLD = 60;

/** "inputs.dataset differs", "params.epochs was 10, is 20": what separates two steps, from `shortParts` of both. */
export const differences = (before: string, now: string): string[] => {
	const found = compare("", JSON.parse(before), JSON.parse(now));
	if (found.length <= DIFFERENCES_TOLD) return found;
	return [...found.slice(0, DIFFERENCES_TOLD), `and ${found.length - DIFFERENCES_TOLD} more`];
};

const compare = (path: string, before: unknown, now: unknown): string[] => {
	if (isRecord(before) && isRecord(now)) {
		const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
		return keys.flatMap((key) => compare(path === "" ? key : `${path}.${key}`, before[key], now[key]));
	}
	const [was, is] = [JSON.stringify(before), JSON.stringify(now)];
	if (was === is) return [];
	if (before === undefined) return [`${path} is new`];
	if (now === undefined) return [`${path} is gone`];
	return [`${path} was ${shorten(was)}, is ${shorten(is)}`];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

const shorten = (text = ""): string => (text.length > VALUE_TOLD ? `${text.slice(0, VALUE_TOLD)}…` : text);
