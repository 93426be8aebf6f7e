/**
 * Where a step's programs come from, if not from the agent's host: a container image, or packages of Python, conda or
 * Node. One of them, for each says what the step's PATH is; the step's own word counts before that of `defaults`.
 */

import type { StepEnvironment } from "../domain.ts";
import type { StepDefinition } from "./definition.ts";
import { readTemplate, type TemplateScope } from "./expressions.ts";
import { imageRule, isImage } from "./image.ts";
import { OPEN } from "./interpolate.ts";
import type { Problems } from "./problems.ts";
import { addExpected, type Fields, listOf, readFields, readUnit } from "./read.ts";
import { readPath } from "./read-paths.ts";
import type { Field, TreeNode } from "./yaml-tree.ts";

type Software = Pick<StepDefinition, "image" | "environment">;

const kinds = ["image", "python", "conda", "node"] as const;

/** `image: none` and its like take back what the defaults say. */
export const readSoftware = (
	problems: Problems,
	fields: Fields<"defaults">,
	base: Software,
	scope: TemplateScope,
): Software => {
	const [said, other] = kinds.filter((kind) => fields[kind] && !isNone(fields[kind].value));
	if (said === undefined) {
		const { environment } = base;
		return {
			image: fields.image ? "" : base.image,
			environment: environment && fields[environment.kind] ? null : environment,
		};
	}
	if (other !== undefined) {
		const hint = said === "image" ? "packages belong into the image" : "use one of them";
		problems.add((fields[other] as Field).place, `\`${said}\` and \`${other}\` exclude each other`, hint);
	}
	const { value } = fields[said] as Field;
	if (said === "image") return { image: readImage(problems, value, scope), environment: null };
	return { image: "", environment: readers[said](problems, value) };
};

const isNone = (node: TreeNode): boolean => node.kind === "scalar" && (node.value === "none" || node.value === "");

const MAX_TEMPLATE = 1_000;

const readImage = (problems: Problems, node: TreeNode, scope: TemplateScope): string => {
	const image = readTemplate(problems, node, scope, { expected: imageRule, maxLength: MAX_TEMPLATE });
	if (image === null) return "";
	// With expressions it is looked at once they have values.
	if (!image.includes(OPEN) && !isImage(image)) addExpected(problems, node, imageRule);
	return image;
};

const REQUIREMENTS = "a file of requirements, or a mapping with requirements, packages and version";

const readPython = (problems: Problems, node: TreeNode): StepEnvironment => {
	const environment: StepEnvironment = { kind: "python", file: "", packages: [], version: "" };
	if (node.kind === "scalar") {
		if (/^\d[\d.]*$/.test(node.text)) addExpected(problems, node, REQUIREMENTS, `write {version: "${node.text}"}`);
		else environment.file = readFileName(problems, node);
		return environment;
	}
	const fields: Fields<"python"> = readFields(problems, node, "python", REQUIREMENTS) ?? {};
	const { requirements, packages, version } = fields;
	if (node.kind === "map" && node.fields.size === 0) addExpected(problems, node, REQUIREMENTS);
	if (requirements) environment.file = readFileName(problems, requirements.value);
	if (packages) environment.packages = readPackages(problems, packages.value);
	if (version) environment.version = readUnit(problems, version.value, parseVersion, "a version such as 3.12") ?? "";
	return environment;
};

const parseVersion = (text: string): string | null => (/^\d{1,2}\.\d{1,3}(?:\.\d{1,3})?$/.test(text) ? text : null);

const MAX_PACKAGES = 200;
const MAX_PACKAGE = 200;
/** A word that begins otherwise would be an option, or a path. */
const PACKAGE = /^[A-Za-z0-9][^\p{Cc}]*$/u;

const readPackages = (problems: Problems, node: TreeNode): string[] => {
	const items = listOf(node);
	if (items.length === 0 || items.length > MAX_PACKAGES) addExpected(problems, node, `1 to ${MAX_PACKAGES} packages`);
	return items.slice(0, MAX_PACKAGES).flatMap((item) => {
		const name = item.kind === "scalar" && typeof item.value === "string" ? item.text.trim() : "";
		if (PACKAGE.test(name) && name.length <= MAX_PACKAGE && !name.includes(OPEN)) return [name];
		addExpected(problems, item, "a package, such as numpy==2.1.0", "other things belong into the file of requirements");
		return [];
	});
};

const CONDA = "the path of an environment file, or a mapping with file";

const readConda = (problems: Problems, node: TreeNode): StepEnvironment => {
	const environment: StepEnvironment = { kind: "conda", file: "", packages: [], version: "" };
	if (node.kind === "scalar") return { ...environment, file: readFileName(problems, node) };
	const fields = readFields(problems, node, "conda", CONDA);
	if (fields && !fields.file) addExpected(problems, node, CONDA);
	return fields?.file ? { ...environment, file: readFileName(problems, fields.file.value) } : environment;
};

const NODE = "the path of a folder with package-lock.json, or a mapping with folder";

const readNode = (problems: Problems, node: TreeNode): StepEnvironment => {
	const environment: StepEnvironment = { kind: "node", file: "", packages: [], version: "" };
	if (node.kind === "scalar") return { ...environment, file: readPath(problems, node) ?? "" };
	const fields = readFields(problems, node, "node", NODE);
	if (fields && !fields.folder) addExpected(problems, node, NODE);
	return fields?.folder ? { ...environment, file: readPath(problems, fields.folder.value) ?? "" } : environment;
};

const readFileName = (problems: Problems, node: TreeNode): string => {
	const path = readPath(problems, node);
	if (path === "") addExpected(problems, node, "a file of the code");
	return path ?? "";
};

const readers = { python: readPython, conda: readConda, node: readNode };
