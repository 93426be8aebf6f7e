/** What files of requirements say that an environment depends on, and which variables go into its making. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readRequirements } from "#agent/environments/requirements.ts";
import { buildVariables } from "#agent/environments/variables.ts";

const folderWith = (files: Record<string, string>): string => {
	const folder = mkdtempSync(join(tmpdir(), "runmesh-requirements-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	for (const [path, text] of Object.entries(files)) {
		mkdirSync(dirname(join(folder, path)), { recursive: true });
		writeFileSync(join(folder, path), text);
	}
	return folder;
};

test.each<[string, boolean]>([
	["", false],
	["# numpy\n\n", false],
	["numpy", false],
	["numpy==2.1.0 # pinned", false],
	["Torch[cuda] >= 2 ; python_version < '4'", false],
	["numpy==2.1.0 \\\n  --hash=sha256:aa", false],
	["numpy ~= 2.0\npandas!=1", false],
	["lib @ https://example.org/lib.whl", false],
	["lib @ git+https://example.org/lib", false],
	["--index-url https://example.org/simple\n--pre\nnumpy", false],
	["./lib", true],
	["lib/dist/lib-1.0.whl", true],
	["lib @ file:lib", true],
	["--find-links wheels", true],
	["-f wheels", true],
	["../lib", true],
	["--some-new-option x", true],
])("%j needs the code: %s", (text, needsCode) => {
	expect(readRequirements(folderWith({ "r.txt": text }), "r.txt").needsCode).toBe(needsCode);
});

test("what it includes counts, each file once, wherever in the code it lies", () => {
	const files = {
		"a/r.txt": "-r ../b.txt\n--requirement=c.txt\n-c https://example.org/constraints.txt\n-rd.txt\n",
		"b.txt": "numpy\n-c a/c.txt",
		"a/c.txt": "pandas<3\n-r r.txt",
		"a/d.txt": "",
	};
	const work = folderWith(files);
	expect(readRequirements(work, "a/r.txt")).toEqual({ files, needsCode: false });
});

test("names that objects know are only names", () => {
	const work = folderWith({ __proto__: "", "r.txt": "-r __proto__", constructor: "-r __proto__" });
	writeFileSync(join(work, "__proto__"), "-r __proto__\n-r constructor");
	expect(Object.keys(readRequirements(work, "r.txt").files)).toEqual(["r.txt", "__proto__", "constructor"]);
});

test.each([
	["-e .", '"r.txt" holds `-e .`'],
	["--editable=./lib", '"r.txt" holds `--editable=./lib`'],
	["-r ../../x.txt", '"r.txt" includes "../../x.txt", which is not in the code'],
	["-r /etc/x.txt", '"r.txt" includes "/etc/x.txt", which is not in the code'],
	["-r gone.txt", '"gone.txt" is not in the code'],
])("%s is refused", (text, message) => {
	expect(() => readRequirements(folderWith({ "r.txt": text }), "r.txt")).toThrow(message);
});

test("variables of package tools go into the making, the step's before the agent's, and uv knows them too", () => {
	const ofAgent = {
		...{ PIP_INDEX_URL: "https://agent", CONDA_PREFIX: "/opt/conda", CONDA_CHANNELS: "lab", npm_config_cache: "/x" },
		...{ HOME: "/home/me", UV_CACHE_DIR: "/cache" },
	};
	expect(buildVariables({ PIP_INDEX_URL: "https://step", PIP_FIND_LINKS: "/a  /b", LR: "1" }, ofAgent)).toEqual({
		...{ PIP_INDEX_URL: "https://step", UV_DEFAULT_INDEX: "https://step", CONDA_CHANNELS: "lab" },
		...{ UV_CACHE_DIR: "/cache", PIP_FIND_LINKS: "/a  /b", UV_FIND_LINKS: "/a,/b" },
	});
	expect(buildVariables({ PIP_INDEX_URL: "a", UV_DEFAULT_INDEX: "b" }, {}).UV_DEFAULT_INDEX).toBe("b");
});
