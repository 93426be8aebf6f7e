/**
 * `${{ params.x }}`, `${{ matrix.x }}` and `${{ steps.x.outputs.y }}` in the strings of a pipeline. In `env` a value is
 * put in as it is. In a command it becomes part of a program, so there it is quoted for the shell: a value with spaces
 * stays one word, and nobody who may only choose a parameter can add a command. Interpreters that are no POSIX shell get
 * the bare text, for nothing here knows their quoting; such a step reads $RUNMESH_PARAMS instead.
 */

import { RunmeshError } from "../errors.ts";
import { parseReference, type Reference } from "./reference.ts";
import { lookUp, type Scope } from "./scope.ts";
import { ShellContext } from "./shell-quote.ts";

export interface Placeholder {
	/** As written, with its braces; without the closing ones when they are missing. */
	source: string;
	closed: boolean;
	/** null when it names nothing that an expression may name. */
	target: Reference | null;
}

export const OPEN = "${{";
const CLOSE = "}}";

/** Text and placeholders in turn. */
export const segments = (template: string): (string | Placeholder)[] => {
	const found: (string | Placeholder)[] = [];
	let from = 0;
	for (let open = template.indexOf(OPEN); open >= 0; open = template.indexOf(OPEN, from)) {
		found.push(template.slice(from, open));
		const close = template.indexOf(CLOSE, open);
		const end = close < 0 ? template.length : close + CLOSE.length;
		const inner = template.slice(open + OPEN.length, close < 0 ? end : close);
		const closed = close >= 0 && !inner.includes(OPEN);
		found.push({ source: template.slice(open, end), closed, target: closed ? parseReference(inner.trim()) : null });
		from = end;
	}
	found.push(template.slice(from));
	return found;
};

/** In their order in the template. */
export const placeholders = (template: string): Placeholder[] =>
	segments(template).filter((segment) => typeof segment !== "string");

const resolve = ({ source, target }: Placeholder, scope: Scope): string => {
	const value = target === null ? undefined : lookUp(scope, target);
	if (value !== undefined) return typeof value === "string" ? value : JSON.stringify(value);
	// A step that runs after a failure runs without what the failed step would have said.
	if (target?.space === "steps" && isWithout(scope, target.step)) return "";
	throw new RunmeshError("RM_PIPELINE_INVALID", `${source} has no value: ${missing(target)}`);
};

const isWithout = (scope: Scope, step: string): boolean => {
	const facts = scope.steps(step);
	return facts !== null && facts.state !== "succeeded";
};

const missing = (target: Reference | null): string => {
	if (target === null) return "it names nothing that an expression may name";
	const { space, name } = target;
	if (space !== "steps")
		return space === "params" ? `there is no parameter \`${name}\`` : `the cell has no \`${name}\``;
	const { step, field } = target;
	if (field === "state") return `\`${step}\` has not settled`;
	return field === "metrics" ? `\`${step}\` did not report it` : `\`${step}\` has no such output`;
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
