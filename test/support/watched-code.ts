/** Code as an attempt finds it, whose reads are told: for tests without an agent around it. */

import { execFile } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type AttemptPaths, attemptPaths } from "#agent/runner/files/paths.ts";
import { readsShowIn } from "#agent/runner/setup/access-times.ts";
import { markCode, readCodeUse } from "#agent/runner/setup/code-use.ts";
import type { CodeUse, Manifest, ManifestEntry } from "#shared/domain.ts";
import type { AttemptId, Digest } from "#shared/ids.ts";
import { sha256Hex } from "#shared/sha256.ts";
import { tempDir } from "./data-plane.ts";

/** Where they don't, there is nothing to test. */
export const readsShow = await readsShowIn(tmpdir())();

/** Path → content; "→ target" is a link, "#!" at the start makes it executable. */
export const plantCode = async (root: string, files: Record<string, string>): Promise<string> => {
	for (const [path, content] of Object.entries(files)) {
		const full = join(root, path);
		await mkdir(dirname(full), { recursive: true });
		if (content.startsWith("→ ")) await symlink(content.slice(2), full);
		else await writeFile(full, content);
		if (content.startsWith("#!")) await chmod(full, 0o755);
	}
	return root;
};

const entryOf = ([path, content]: [string, string]): ManifestEntry => ({
	path,
	...(content.startsWith("→ ")
		? { digest: "", linkTarget: content.slice(2) }
		: { digest: `sha256:${sha256Hex(content)}` as Digest, linkTarget: "" }),
	sizeBytes: content.length,
	executable: content.startsWith("#!"),
});

export interface WatchedCode {
	paths: AttemptPaths;
	manifest: Manifest;
	run(program: string, args: string[], more?: { workdir?: string; env?: Record<string, string> }): Promise<string>;
	use(workdir?: string): Promise<CodeUse | null>;
}

export const watchCode = async (files: Record<string, string>): Promise<WatchedCode> => {
	const dir = await tempDir();
	const paths = attemptPaths(dir, "r1.step.1" as AttemptId);
	await plantCode(paths.work, files);
	await writeFile(paths.params, "{}");
	const manifest = { entries: Object.entries(files).map(entryOf), singleFile: false };
	await markCode(paths, manifest);
	return {
		paths,
		manifest,
		run: async (program, args, { workdir = "", env = {} } = {}) => {
			const options = { cwd: join(paths.work, workdir), env: { ...process.env, ...env } };
			return (await promisify(execFile)(program, args, options)).stdout;
		},
		use: (workdir = "") => readCodeUse(paths, manifest, workdir),
	};
};
