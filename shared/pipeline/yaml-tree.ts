/**
 * YAML text as a plain tree whose every node knows its place and path. What YAML itself refuses becomes problems,
 * and so does what could cost more than the file is long: aliases that multiply, endless nesting.
 */

import {
	type ErrorCode,
	isAlias,
	isMap,
	isScalar,
	isSeq,
	type LineCounter,
	type Node,
	type ParsedNode,
	parseDocument,
} from "yaml";
import type { Place, Problems } from "./problems.ts";

export interface Field {
	/** Of the key. */
	place: Place;
	value: TreeNode;
}

export interface MapNode extends Place {
	kind: "map";
	fields: Map<string, Field>;
}

export interface ListNode extends Place {
	kind: "list";
	items: TreeNode[];
}

export interface ScalarNode extends Place {
	kind: "scalar";
	value: string | number | boolean | null;
	/** As the file writes it: "1.10" stays "1.10". */
	text: string;
}

export type TreeNode = MapNode | ListNode | ScalarNode;

const MAX_DEPTH = 32;
/** After aliases are expanded. A file within the size limit has fewer without them. */
const MAX_NODES = 200_000;
const MAX_CHARACTERS = 1024 * 1024;

/** Ends the walk over a tree that is too costly to go on with; the problem has been added. */
class TooLarge extends Error {}

class TreeBuilder {
	readonly #problems: Problems;
	readonly #anchors = new Map<string, Node>();
	/** An alias means what its anchor meant where the alias stands, wherever it is expanded later. */
	readonly #targets = new Map<Node, Node>();
	#nodes = 0;
	#characters = 0;

	constructor(problems: Problems) {
		this.#problems = problems;
	}

	build(node: Node | null, path: string, depth: number, fallback: Place): TreeNode {
		const place = placeOf(node, path, fallback);
		if (depth > MAX_DEPTH) this.#tooLarge(place, `nested more than ${MAX_DEPTH} levels deep`);
		if (++this.#nodes > MAX_NODES) this.#tooLarge(place, `more than ${MAX_NODES} values once aliases are expanded`);
		const built = this.#buildKind(node, place, depth);
		if (node !== null && !isAlias(node) && node.anchor) this.#anchors.set(node.anchor, node);
		return built;
	}

	#buildKind(node: Node | null, place: Place, depth: number): TreeNode {
		if (isAlias(node)) {
			const target = this.#targets.get(node) ?? this.#anchors.get(node.source);
			if (target === undefined) {
				this.#problems.add(place, `no anchor &${node.source} stands before this alias`);
				return { ...place, kind: "scalar", value: null, text: "" };
			}
			this.#targets.set(node, target);
			return this.build(target, place.path, depth + 1, place);
		}
		if (isMap(node)) return { ...place, kind: "map", fields: this.#fields(node.items as Pair[], place, depth) };
		if (isSeq(node)) {
			const items = (node.items as (Node | null)[]).map((item, index) =>
				this.build(item, join(place.path, String(index)), depth + 1, place),
			);
			return { ...place, kind: "list", items };
		}
		return this.#scalar(isScalar(node) ? node : null, place);
	}

	#fields(pairs: Pair[], map: Place, depth: number): Map<string, Field> {
		const fields = new Map<string, Field>();
		for (const { key, value } of pairs) {
			const name = isScalar(key) && key.value !== null ? String(key.value) : "";
			const place = placeOf(key, join(map.path, name), map);
			// A key that objects treat as their own would be lost further on.
			if (name === "" || name === "__proto__") this.#problems.add(place, "expected a plain word as key");
			else if (fields.has(name)) this.#problems.add(place, `\`${name}\` is given twice`, "keep one of them");
			else fields.set(name, { place, value: this.build(value, place.path, depth + 1, place) });
		}
		return fields;
	}

	#scalar(node: ParsedScalar | null, place: Place): ScalarNode {
		const value = node?.value ?? null;
		if (typeof value === "string") {
			this.#characters += value.length;
			if (this.#characters > MAX_CHARACTERS) {
				this.#tooLarge(place, `more than ${MAX_CHARACTERS} characters once aliases are expanded`);
			}
			if (value.includes("\0")) this.#problems.add(place, "holds a NUL character, which no program can be given");
			return { ...place, kind: "scalar", value, text: value };
		}
		if (value === null || typeof value === "number" || typeof value === "boolean") {
			return { ...place, kind: "scalar", value, text: node?.source ?? "" };
		}
		this.#problems.add(place, "expected text, a number, true or false", "quote it to make it text");
		return { ...place, kind: "scalar", value: null, text: "" };
	}

	#tooLarge(place: Place, message: string): never {
		this.#problems.add(place, message);
		throw new TooLarge(message);
	}
}

interface ParsedScalar {
	value: unknown;
	source?: string;
}

interface Pair {
	key: ParsedNode | null;
	value: Node | null;
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`);

const placeOf = (node: Node | null, path: string, fallback: Place): Place => {
	const range = node?.range;
	return range ? { path, start: range[0], end: range[1] } : { path, start: fallback.start, end: fallback.end };
};

/** What the parser says to programmers. */
const plainer: Partial<Record<ErrorCode, string>> = {
	BLOCK_AS_IMPLICIT_KEY: "text that holds `: ` must be quoted, or stand below a `|`",
	TAG_RESOLVE_FAILED: "a value that begins with `!` must be quoted",
	MULTIPLE_DOCS: "more than one document in a file",
	RESOURCE_EXHAUSTION: `nested more than ${MAX_DEPTH} levels deep`,
};

/** null when the text is no YAML or too much to read; the problems say why. */
export const readTree = (text: string, problems: Problems, lineCounter: LineCounter): TreeNode | null => {
	// Doubled keys are found by the builder, which does not compare each key with every other.
	const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false });
	for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
		problems.add({ path: "", start: pos[0], end: pos[1] }, `not valid YAML: ${plainer[code] ?? message}`);
	}
	if (problems.count > 0) return null;
	try {
		return new TreeBuilder(problems).build(document.contents, "", 0, { path: "", start: 0, end: text.length });
	} catch (error) {
		if (error instanceof TooLarge) return null;
		throw error;
	}
};
