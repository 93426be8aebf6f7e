/**
 * Artifacts of models on this agent's disk: <dataDir>/models/<hex>/artifact holds the files, beside it lie the
 * validation reports. A folder of that name is whole: it is made elsewhere and renamed.
 */

import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { BlobStore } from "#shared/blobs/store.ts";
import { materialiseTree, readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { RunmeshError } from "#shared/errors.ts";
import { type Digest, isDigest } from "#shared/ids.ts";
import type { ValidationReport } from "./validation/report.ts";

export interface PlacedFile {
	path: string;
	/** The artifact's folder, which no reference may leave. */
	root: string;
	/** It was not here before. */
	fresh: boolean;
}

export interface ModelFiles {
	/** The artifact's one file with that extension, fetched and placed unless it is here. */
	bring(ref: ArtifactRef, extension: Extension): Promise<PlacedFile>;
	/** What an earlier validation with the same golden vectors found. */
	readReport(model: Digest, golden: Digest | null): Promise<ValidationReport | null>;
	writeReport(model: Digest, golden: Digest | null, report: ValidationReport): Promise<void>;
	discard(digest: Digest): Promise<void>;
	/** Removes all others. */
	prune(keep: Set<Digest>): Promise<void>;
}

type Extension = ".onnx" | ".json";

const PREFIX = "sha256:";
/** A single file's name on disk: its own is of no use, and the runtime goes by the extension. */
const singleFileName = { ".onnx": "model.onnx", ".json": "golden.json" } as const;

const hexOf = (digest: Digest): string => {
	if (!isDigest(digest)) throw new RunmeshError("RM_BAD_INPUT", `"${digest}" is no digest`);
	return digest.slice(PREFIX.length);
};

/** None where there is no such folder. */
const namesIn = (folder: string): string[] => {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
};

const exists = (path: string): Promise<boolean> =>
	stat(path).then(
		() => true,
		() => false,
	);

const findOne = async (root: string, extension: Extension, name: string): Promise<string> => {
	const found: string[] = [];
	for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
		if (entry.isFile() && entry.name.endsWith(extension))
			found.push(relative(root, join(entry.parentPath, entry.name)));
	}
	if (found.length === 1) return join(root, found[0] as string);
	const listed = found.length === 0 ? "none" : found.slice(0, 5).join(", ");
	throw new RunmeshError(
		"RM_MODEL_INVALID",
		`artifact ${name} must hold exactly one ${extension} file, it holds ${listed}`,
	);
};

export const openModelFiles = (
	dataDir: string,
	store: BlobStore,
	fetch: (ref: ArtifactRef) => Promise<void>,
): ModelFiles => {
	const models = join(dataDir, "models");
	const folderOf = (digest: Digest): string => join(models, hexOf(digest));
	const reportOf = (model: Digest, golden: Digest | null): string =>
		join(folderOf(model), `validation-${golden === null ? "without-golden" : hexOf(golden).slice(0, 16)}.json`);

	const place = async (ref: ArtifactRef, extension: Extension): Promise<void> => {
		const folder = folderOf(ref.digest);
		const staged = `${folder}.${randomUUID()}`;
		const artifact = join(staged, "artifact");
		try {
			const { singleFile } = await readManifest(store, ref.digest);
			await mkdir(artifact, { recursive: true });
			await materialiseTree(store, ref, singleFile ? join(artifact, singleFileName[extension]) : artifact);
			await rename(staged, folder);
		} catch (error) {
			await rm(staged, { recursive: true, force: true });
			// Another deployment of the same artifact may have been quicker.
			if (!(await exists(folder))) throw error;
		}
	};

	// Whatever is being placed belongs to a process that died.
	for (const name of namesIn(models).filter((name) => name.includes("."))) {
		rm(join(models, name), { recursive: true, force: true }).catch(() => undefined);
	}

	return {
		bring: async (ref, extension) => {
			const folder = folderOf(ref.digest);
			const fresh = !(await exists(folder));
			if (fresh) {
				const letGo = store.fetched.holdOn();
				try {
					await fetch(ref);
					await place(ref, extension);
				} finally {
					letGo();
				}
			}
			const root = join(folder, "artifact");
			return { root, path: await findOne(root, extension, ref.name), fresh };
		},
		readReport: async (model, golden) => {
			try {
				return JSON.parse(await readFile(reportOf(model, golden), "utf8")) as ValidationReport;
			} catch {
				return null;
			}
		},
		writeReport: async (model, golden, report) => {
			const path = reportOf(model, golden);
			await writeFile(`${path}.new`, `${JSON.stringify(report, null, "\t")}\n`);
			await rename(`${path}.new`, path);
		},
		discard: (digest) => rm(folderOf(digest), { recursive: true, force: true }),
		prune: async (keep) => {
			const kept = new Set([...keep].map(hexOf));
			// "<hex>", or "<hex>.<uuid>" while it is being placed.
			for (const name of await readdir(models).catch(() => [])) {
				if (!kept.has(name.split(".")[0] as string)) await rm(join(models, name), { recursive: true, force: true });
			}
		},
	};
};
