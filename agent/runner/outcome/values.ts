/** What a small output says, for pipelines that go on by it: JSON, or else text. */

import { buffer } from "node:stream/consumers";
import type { BlobStore } from "#shared/blobs/store.ts";
import { readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import { canonicalJson } from "#shared/pipeline/canonical.ts";
import { AttemptError } from "../failure.ts";

const MAX_VALUE_BYTES = 64 * 1024;
/** Of all of an attempt's values: they travel in one report and stay in the journal. */
const MAX_VALUES_BYTES = 256 * 1024;
const MAX_DEPTH = 64;

/** Canonical JSON. From the stored bytes, so that value and artifact say the same. */
export const readValue = async (store: BlobStore, ref: ArtifactRef, path: string): Promise<string> => {
	const refuse = (why: string, what: string): AttemptError =>
		new AttemptError("output", `output "${ref.name}" is read as a value, but $RUNMESH_OUTPUTS/${path} ${why}; ${what}`);
	const { entries, singleFile } = await readManifest(store, ref.digest);
	const [entry] = entries;
	if (!singleFile || !entry || entry.digest === "") throw refuse("is a folder", "write the value to one file");
	if (entry.sizeBytes > MAX_VALUE_BYTES) {
		throw refuse(
			`holds ${entry.sizeBytes} bytes, ${MAX_VALUE_BYTES} (64 KiB) are allowed`,
			"write what the pipeline needs to know to a small file, the rest to another output",
		);
	}
	const text = decode(await buffer(store.read(entry.digest)));
	if (text === null) throw refuse("holds bytes that are no UTF-8 text", "write JSON or text, without NUL bytes");
	const value = asJson(text);
	if (value === undefined) return canonicalJson(text.replace(/\r?\n$/, ""));
	if (!isWithin(value, MAX_DEPTH)) throw refuse(`is JSON nested more than ${MAX_DEPTH} deep`, "write a flatter value");
	const [number] = inexactNumbers(text);
	if (number === undefined) return canonicalJson(value);
	// An id of many digits alone is text; as a number it would become another.
	if (typeof value === "number") return canonicalJson(text.trim());
	throw refuse(`holds the number ${number.slice(0, 40)}, which JSON numbers here can't hold`, "write it in quotes");
};

export const checkTotal = (outputs: readonly ArtifactRef[]): void => {
	const total = outputs.reduce((sum, { valueJson = "" }) => sum + Buffer.byteLength(valueJson), 0);
	if (total <= MAX_VALUES_BYTES) return;
	throw new AttemptError(
		"output",
		`the outputs that are read as values hold ${total} bytes of JSON together, ${MAX_VALUES_BYTES} (256 KiB) are allowed; write what the pipeline needs to know to small files, the rest to other outputs`,
	);
};

const decode = (bytes: Buffer): string | null => {
	if (bytes.includes(0)) return null;
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch {
		return null;
	}
};

/** undefined when it is none. */
const asJson = (text: string): unknown => {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
};

const isWithin = (value: unknown, depth: number): boolean =>
	value === null ||
	typeof value !== "object" ||
	(depth > 0 && Object.values(value).every((item) => isWithin(item, depth - 1)));

/** As they are written. */
const inexactNumbers = (text: string): string[] => {
	const found: string[] = [];
	JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
		const source = context?.source ?? "";
		const isRounded = Number.isInteger(value) && /^-?\d{16,}$/.test(source) && String(value) !== source;
		if (isRounded || (typeof value === "number" && !Number.isFinite(value))) found.push(source);
		return value;
	});
	return found;
};
