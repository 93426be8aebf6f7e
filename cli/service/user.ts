/** Whom a service of the whole machine runs as: a user of this machine, to whom the home belongs. */

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { RunmeshError } from "#shared/errors.ts";
import type { Home } from "#shared/home.ts";

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

const ask = (program: string, ...args: string[]): string | null => {
	try {
		return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
	} catch {
		return null;
	}
};

const uidOf = (name: string): number | null => {
	const said = NAME.test(name) ? ask("id", "-u", name) : null;
	return said === null ? null : Number(said);
};

/** The folder that the shell knows as theirs; null where there is no such user. */
export const folderOfUser = (name: string): string | null =>
	uidOf(name) === null ? null : ask("/bin/sh", "-c", `cd ~${name} && pwd`);

/** The one that was named, else the owner of the home. Throws when the home is not theirs: the agent could not use it. */
export const serviceUser = (named: string | null, home: Home): string => {
	const owner = statSync(home.root).uid;
	const name = named ?? ask("id", "-un", String(owner));
	const uid = name === null ? null : uidOf(name);
	if (name === null || uid === null) {
		throw new RunmeshError("RM_BAD_INPUT", `no user ${name ?? owner} is known on this machine`, {
			hint: "name one that is with --user",
		});
	}
	if (uid === owner) return name;
	throw new RunmeshError("RM_BAD_INPUT", `${home.root} belongs to another user than ${name}`, {
		hint: `chown -R ${name} ${home.root}, or name that user's own home with --home`,
	});
};
