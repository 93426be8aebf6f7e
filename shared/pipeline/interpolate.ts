/**
 * `${{ params.x }}` and `${{ matrix.x }}` in the strings of a pipeline. In `env` a value is put in as it is. In a
 * command it becomes part of a program, so there it is quoted for the shell: a value with spaces stays one word, and
 * nobody who may only choose a parameter can add a command. Interpreters that are no POSIX shell get the bare text,
 * for nothing here knows their quoting; such a step reads $RUNMESH_PARAMS instead.
 */

import { RunmeshError } from "../errors.ts";
import type { ParamValue } from "./definition.ts";
import { ShellContext } from "./shell-quote.ts";

export interface Scope {
	params: Record<string, ParamValue>;
	matrix: Record<string, ParamValue>;
}

export interface Reference {
	/** As written, with its braces; without the closing ones when they are missing. */
	source: string;
	closed: boolean;
	/** null when it is no `params.<name>` or `matrix.<axis>`. */
	target: { space: keyof Scope; name: string } | null;
}

export const OPEN = "${{";
const CLOSE = "}}";
const TARGET = /^\s*(params|matrix)\.([A-Za-z0-9_-]+)\s*$/;

/** Text and references in turn. */
const segments = (template: string): (string | Reference)[] => {
	const found: (string | Reference)[] = [];
	let from = 0;
	for (let open = template.indexOf(OPEN); open >= 0; open = template.indexOf(OPEN, from)) {
		found.push(template.slice(from, open));
		const close = template.indexOf(CLOSE, open);
		const end = close < 0 ? template.length : close + CLOSE.length;
		const inner = template.slice(open + OPEN.length, close < 0 ? end : close);
		const closed = close >= 0 && !inner.includes(OPEN);
		const [, space, name] = (closed && TARGET.exec(inner)) || [];
		found.push({
			source: template.slice(open, end),
			closed,
			target: space && name ? { space: space as keyof Scope, name } : null,
		});
		from = end;
	}
	found.push(template.slice(from));
	return found;
};

/** In their order in the template. */
export const references = (template: string): Reference[] =>
	segments(template).filter((segment) => typeof segment !== "string");

const resolve = ({ source, target }: Reference, scope: Scope): string => {
	if (target !== null && Object.hasOwn(scope[target.space], target.name)) {
		return String(scope[target.space][target.name]);
	}
	throw new RunmeshError("RM_PIPELINE_INVALID", `${source} names no parameter and no axis of the step's matrix`);
};

/** Values as they are: for `env`. */
export const interpolate = (template: string, scope: Scope): string =>
	segments(template)
		.map((segment) => (typeof segment === "string" ? segment : resolve(segment, scope)))
		.join("");

const POSIX_SHELL = /^(?:.*\/)?(?:sh|bash|dash|ash|ksh|zsh|busybox)$/;

/** A step's command, each value quoted for the place where it stands when `shell` is a POSIX one. */
export const interpolateCommand = (command: string, shell: readonly string[], scope: Scope): string => {
	if (!shell.some((word) => POSIX_SHELL.test(word))) return interpolate(command, scope);
	const context = new ShellContext();
	let text = "";
	for (const segment of segments(command)) {
		if (typeof segment === "string") context.read(segment);
		text += typeof segment === "string" ? segment : context.quote(resolve(segment, scope));
	}
	return text;
};
