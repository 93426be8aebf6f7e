/** Refuses a folder too large to send, before anything is hashed, and names what makes it so. */

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { RunmeshError } from "#shared/errors.ts";
import { formatBytes, plural } from "../output/format.ts";

export type Ignores = (relativePath: string, isDirectory: boolean) => boolean;

export interface CodeLimits {
	files: number;
	bytes: number;
}

const DEFAULT_LIMITS: CodeLimits = { files: 20_000, bytes: 512 * 1024 ** 2 };
/** What is counted beyond the limits, so that the largest can be named without reading a whole disk. */
const COUNTED_FACTOR = 5;
const NAMED = 3;

interface Share {
	files: number;
	bytes: number;
}

const worst = (shares: Map<string, Share>): string =>
	[...shares]
		.sort(([, a], [, b]) => b.bytes - a.bytes || b.files - a.files)
		.slice(0, NAMED)
		.map(([name, { files, bytes }]) => `${name} (${formatBytes(bytes)}, ${plural(files, "file")})`)
		.join(", ");

export const checkCodeSize = async (root: string, ignores: Ignores, limits = DEFAULT_LIMITS): Promise<void> => {
	const shares = new Map<string, Share>();
	const total: Share = { files: 0, bytes: 0 };
	const enough = (): boolean => total.files > limits.files * COUNTED_FACTOR;
	const count = async (folder: string, top: string): Promise<void> => {
		for (const item of await readdir(join(root, folder), { withFileTypes: true })) {
			if (enough()) return;
			const path = folder === "" ? item.name : `${folder}/${item.name}`;
			if (ignores(path, item.isDirectory())) continue;
			const share = top || (item.isDirectory() ? `${item.name}/` : item.name);
			if (item.isDirectory()) {
				await count(path, share);
				continue;
			}
			const { size } = await lstat(join(root, path));
			const sum = shares.get(share) ?? { files: 0, bytes: 0 };
			shares.set(share, { files: sum.files + 1, bytes: sum.bytes + size });
			total.files++;
			total.bytes += size;
		}
	};
	await count("", "");
	if (total.files <= limits.files && total.bytes <= limits.bytes) return;
	const more = enough() ? "more than " : "";
	throw new RunmeshError(
		"RM_TOO_LARGE",
		`${root} holds ${more}${plural(total.files, "file")} of ${formatBytes(total.bytes)} to send as code; ` +
			`the limit is ${plural(limits.files, "file")} and ${formatBytes(limits.bytes)}. Largest: ${worst(shares)}`,
		{ hint: `name what the steps don't need in ${join(root, ".runmeshignore")}; let a step fetch large data` },
	);
};
