/** The graph of the core's files in docs/architecture.md is that of their imports, and it has no way back. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const core = fileURLToPath(new URL("../../../coordinator/core", import.meta.url));
const docs = readFileSync(new URL("../../../docs/architecture.md", import.meta.url), "utf8");

/** A file's name in the picture; those of a folder stand as one. */
const nodeOf = (path: string): string => (path.split("/")[0] ?? "").replace(/\.ts$/, "");

const isTypesAlone = (clause: string): boolean =>
	clause.startsWith("type ") || (clause.match(/\w[^,{}]*/g) ?? []).every((name) => name.startsWith("type "));

const importsOf = (path: string): string[] =>
	[...readFileSync(join(core, path), "utf8").matchAll(/^import ([^;]+?) from "(\.[^"]+)"/gms)]
		.filter(([, clause = ""]) => !isTypesAlone(clause))
		.map(([, , to = ""]) => relative(core, join(core, dirname(path), to)))
		.filter((to) => !to.startsWith(".."));

const graph = new Map<string, Set<string>>();
for (const path of readdirSync(core, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))) {
	const from = nodeOf(path);
	const to = importsOf(path).map(nodeOf);
	graph.set(from, new Set([...(graph.get(from) ?? []), ...to.filter((name) => name !== from)]));
}

const behind = (from: string, seen = new Set<string>()): Set<string> => {
	for (const to of graph.get(from) ?? []) {
		if (seen.has(to)) continue;
		seen.add(to);
		behind(to, seen);
	}
	return seen;
};

test("no file of the core calls one that calls it", () => {
	expect([...graph.keys()].filter((name) => behind(name).has(name))).toEqual([]);
});

test("docs/architecture.md shows who calls whom, without what a longer way says already", () => {
	const arrows = [...graph].flatMap(([from, to]) => {
		const direct = [...to].filter((name) => ![...to].some((other) => other !== name && behind(other).has(name)));
		return direct.map((name) => `${from} --> ${name}`);
	});
	const [, section = ""] = docs.split("### Files of the core");
	const drawn = [...section.matchAll(/^\t([\w-]+ --> [\w-]+)$/gm)].map(([, arrow]) => arrow);
	expect(drawn.toSorted()).toEqual(arrows.toSorted());
});

test("docs/architecture.md names no file of the core that is not there", () => {
	const [, section = ""] = docs.split("## What is decided about a step");
	const [own = ""] = section.split(/\n## /);
	const named = [...own.matchAll(/`([\w-]+)\.ts`/g)].map(([, name = ""]) => name);
	expect(named.filter((name) => !graph.has(name))).toEqual([]);
});
