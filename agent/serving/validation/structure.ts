/** Checks on what a model's file says, before any runtime sees it. Pure but for the look at external data files. */

import { realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, sep } from "node:path";
import type { ExternalData, ModelHeader, ValueInfo } from "#shared/onnx/header.ts";
import { datatypeOf } from "../runtime.ts";

/** Operator sets that the runtime's CPU build carries. Others would need a custom library, which is never loaded. */
const KNOWN_DOMAINS = new Set([
	"",
	"ai.onnx.ml",
	"ai.onnx.preview.training",
	"ai.onnx.training",
	"com.microsoft",
	"com.microsoft.nchwc",
	"com.microsoft.experimental",
]);

const shownDomain = (domain: string): string => (domain === "" ? "ai.onnx" : domain);

/** A finding: the detail of a check that holds, or thrown as an Error where it does not. */
export const checkOpset = ({ irVersion, opsets }: ModelHeader): string => {
	if (!(irVersion >= 1)) throw new Error(`IR version ${irVersion}, expected 3 or later`);
	if (opsets.length === 0) throw new Error("no operator set is imported; export the model again with one");
	const seen = new Set<string>();
	for (const { domain, version } of opsets) {
		if (!Number.isSafeInteger(version) || version < 1) {
			throw new Error(`operator set ${shownDomain(domain)} has version ${version}, expected 1 or later`);
		}
		if (seen.has(domain)) throw new Error(`operator set ${shownDomain(domain)} is imported twice`);
		seen.add(domain);
	}
	const listed = opsets.map(({ domain, version }) => `${shownDomain(domain)} ${version}`).join(", ");
	return `IR ${irVersion}, ${listed}`;
};

export const checkOperators = ({ operators, functions, opsets }: ModelHeader): string => {
	const local = new Set(functions.map(({ domain, name }) => `${domain}:${name}`));
	const imported = new Set(opsets.map(({ domain }) => domain));
	let nodes = 0;
	for (const { domain, name, count } of operators) {
		nodes += count;
		if (local.has(`${domain}:${name}`)) continue;
		if (!KNOWN_DOMAINS.has(domain)) {
			throw new Error(`\`${name}\` of ${domain} is a custom operator, and only the runtime's own are run`);
		}
		if (!imported.has(domain)) {
			throw new Error(`\`${name}\` is of ${shownDomain(domain)}, an operator set the model does not import`);
		}
	}
	return `${operators.length} operators in ${nodes} nodes`;
};

const shown = ({ name, elementType, shape }: ValueInfo): string =>
	`\`${name}\` ${elementType} ${shape ? `[${shape.map((length) => (length === "" ? "?" : length)).join(",")}]` : "of any shape"}`;

export const checkValues = (role: "input" | "output", values: ValueInfo[]): string => {
	if (role === "output" && values.length === 0) throw new Error("the model has no outputs");
	const names = new Set<string>();
	for (const value of values) {
		const { name, kind, elementType } = value;
		if (name === "") throw new Error(`an ${role} without a name`);
		if (names.has(name)) throw new Error(`two ${role}s of the name \`${name}\``);
		names.add(name);
		if (kind !== "tensor") {
			throw new Error(`${role} \`${name}\` is no tensor but of kind ${kind}, and only tensors can be served`);
		}
		if (!datatypeOf(elementType)) {
			throw new Error(
				`${role} \`${name}\` is ${elementType}, which this runtime can't take in or give out; export it as float32 or float16`,
			);
		}
	}
	return values.length === 0 ? `no ${role}s` : values.map(shown).join(", ");
};

const checkExternalFile = (modelPath: string, root: string, data: ExternalData): string => {
	const { tensor, location, offset, length } = data;
	const where = `tensor \`${tensor}\` lies in "${location}"`;
	if (location === "" || isAbsolute(location) || location.split(/[/\\]/).includes("..")) {
		throw new Error(`${where}, expected a path inside the model's folder`);
	}
	let path: string;
	try {
		path = realpathSync(join(dirname(modelPath), location));
	} catch {
		throw new Error(`${where}, and there is no such file beside the model; make the whole folder the artifact`);
	}
	if (!path.startsWith(realpathSync(root) + sep)) throw new Error(`${where}, which leads out of the artifact`);
	const { size } = statSync(path);
	const end = (offset ?? 0) + (length ?? 0);
	if (end > size) throw new Error(`${where} up to byte ${end}, and that file has ${size}`);
	return path;
};

/** `root` is the artifact's folder; no reference may lead out of it. */
export const checkExternalData = ({ externalData }: ModelHeader, modelPath: string, root: string): string => {
	const files = new Set(externalData.map((data) => checkExternalFile(modelPath, root, data)));
	return files.size === 0 ? "none" : `${externalData.length} tensors in ${files.size} files`;
};
