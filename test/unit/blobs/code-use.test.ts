/** When two code trees look the same to a step that read some of the code. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeUseDifferences, codeUseKey } from "#shared/blobs/code-use.ts";
import type { Manifest, ManifestEntry } from "#shared/domain.ts";
import type { Digest } from "#shared/ids.ts";

const file = (path: string, content = path, executable = false): ManifestEntry => ({
	...{ path, digest: `sha256:${Buffer.from(content).toString("hex")}` as Digest },
	...{ sizeBytes: content.length, executable, linkTarget: "" },
});
const link = (path: string, linkTarget: string): ManifestEntry => ({
	...{ path, digest: "", sizeBytes: 0, executable: false, linkTarget },
});
const tree = (...entries: ManifestEntry[]): Manifest => ({ entries, singleFile: false });

const code = [file("train.mjs"), file("README.md"), file("lib/a.mjs"), file("lib/deep/b.mjs"), file("data/x.csv")];
const used = ["lib/a.mjs", "train.mjs"];
/** The code with some files put in the place of those of the same path. */
const with_ = (...changed: ManifestEntry[]): Manifest => {
	const paths = new Set(changed.map(({ path }) => path));
	return tree(...code.filter(({ path }) => !paths.has(path)), ...changed);
};
const without = (path: string): Manifest => tree(...code.filter((entry) => entry.path !== path));

describe("codeUseKey", () => {
	const key = codeUseKey(tree(...code), used);

	it("is the same whatever the order of files and paths", () => {
		expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
		expect(codeUseKey(tree(...[...code].reverse()), [...used].reverse())).toBe(key);
	});

	it.for([
		["an unread file changes", with_(file("README.md", "new"))],
		["an unread file changes beside a read one", with_(file("lib/deep/b.mjs", "new"))],
		["a file appears in a folder of which nothing was read", with_(file("data/y.csv"))],
		["a file appears in a folder below one of a read file", with_(file("lib/deep/c.mjs"))],
	] as const)("stays when %s", ([, other]) => {
		expect(codeUseKey(other, used)).toBe(key);
		expect(codeUseDifferences(tree(...code), other, { paths: used })).toEqual([]);
	});

	it.for([
		["a read file changes", with_(file("lib/a.mjs", "new")), ["lib/a.mjs changed"]],
		["a read file can be executed", with_(file("train.mjs", "train.mjs", true)), ["train.mjs changed"]],
		["a read file becomes a link", with_(link("train.mjs", "README.md")), ["train.mjs changed"]],
		["a read file is gone", without("lib/a.mjs"), ["lib/a.mjs removed"]],
		["an unread file is gone beside a read one", without("README.md"), ["README.md removed"]],
		["a file appears beside a read one", with_(file("lib/a.py")), ["lib/a.py added"]],
		["a file appears in a folder above", with_(file("package.json")), ["package.json added"]],
		["a folder appears", with_(file("node_modules/x/index.js")), ["node_modules/ added"]],
	] as const)("differs when %s", ([, other, differences]) => {
		expect(codeUseKey(other, used)).not.toBe(key);
		expect(codeUseDifferences(tree(...code), other, { paths: used })).toEqual(differences);
	});

	it("differs when a listed folder's names do, not its files", () => {
		const listed = ["data/"];
		const before = codeUseKey(tree(...code), listed);
		expect(codeUseKey(with_(file("data/x.csv", "new")), listed)).toBe(before);
		expect(codeUseKey(with_(file("data/y.csv")), listed)).not.toBe(before);
		expect(codeUseKey(with_(file("root.txt")), listed)).not.toBe(before);
		expect(codeUseKey(without("data/x.csv"), listed)).toBe(null);
		expect(codeUseDifferences(tree(...code), without("data/x.csv"), { paths: listed })).toEqual([
			"data/ removed",
			"data/x.csv removed",
		]);
	});

	it("takes a link for what it points to, by name", () => {
		const linked = (target: string): Manifest => tree(file("a"), file("b"), link("now", target));
		expect(codeUseKey(linked("a"), ["now"])).not.toBe(codeUseKey(linked("b"), ["now"]));
		expect(codeUseKey(linked("a"), ["now"])).toBe(codeUseKey(linked("a"), ["now"]));
	});

	it("lists the root as ./", () => {
		expect(codeUseKey(with_(file("README.md", "new")), ["./"])).toBe(codeUseKey(tree(...code), ["./"]));
		expect(codeUseKey(with_(file("new")), ["./"])).not.toBe(codeUseKey(tree(...code), ["./"]));
		expect(codeUseKey(tree(), ["./"])).not.toBe(null);
	});

	it("agrees with the differences on random trees", () => {
		const path = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a", "f/a", "f/g/b");
		const files = fc.uniqueArray(fc.tuple(path, fc.constantFrom("1", "2")), {
			selector: ([name]) => name,
			maxLength: 7,
		});
		fc.assert(
			fc.property(files, files, fc.uniqueArray(fc.nat(20), { maxLength: 4 }), (before, after, picks) => {
				const [old, now] = [before, after].map((each) => tree(...each.map(([name, content]) => file(name, content))));
				if (!old || !now) return;
				const folders = before.filter(([name]) => name.startsWith("d/")).map(() => "d/");
				const places = [...before.map(([name]) => name), ...folders, "./"];
				const paths = [...new Set(picks.map((pick) => places[pick % places.length] as string))].sort();
				const isSame = codeUseKey(old, paths) === codeUseKey(now, paths);
				expect(codeUseDifferences(old, now, { paths }).length === 0).toBe(isSame);
			}),
		);
	});
});
