/** Packages made on the fly, so that tests install them without a network. */

import { type ExecFileSyncOptions, execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";

/** A wheel with one module, and a command of the same name that calls its `main`. Returns the file's name. */
export const makeWheel = (folder: string, name: string, version: string, source: string): string => {
	const info = `${name}-${version}.dist-info`;
	const files: Record<string, string> = {
		[`${name}.py`]: source,
		[`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
		[`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		[`${info}/entry_points.txt`]: `[console_scripts]\n${name} = ${name}:main\n`,
	};
	const record = [...Object.keys(files), `${info}/RECORD`].map((path) => `${path},,\n`).join("");
	const all = { ...files, [`${info}/RECORD`]: record };
	const bytes = zipSync(Object.fromEntries(Object.entries(all).map(([path, text]) => [path, strToU8(text)])));
	const file = `${name}-${version}-py3-none-any.whl`;
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, file), bytes);
	return file;
};

/** Files of a folder for `npm ci`, whose only package is an archive beside them. */
export const makeNodeProject = (folder: string, name: string, files: Record<string, string>): void => {
	const source = join(folder, "source");
	mkdirSync(source, { recursive: true });
	for (const [path, text] of Object.entries(files)) writeFileSync(join(source, path), text);
	const options: ExecFileSyncOptions = { cwd: folder, stdio: "ignore" };
	execFileSync("npm", ["pack", "./source", "--offline"], options);
	const archive = readdirSync(folder).find((file) => file.endsWith(".tgz"));
	writeFileSync(join(folder, "package.json"), JSON.stringify({ dependencies: { [name]: `file:./${archive}` } }));
	execFileSync("npm", ["install", "--package-lock-only", "--offline", "--no-audit"], options);
};
