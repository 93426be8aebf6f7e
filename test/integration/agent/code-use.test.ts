/** Real programs read code in every way there is, and the attempt's report tells which files they read. */

import { execFileSync } from "node:child_process";
import { copyFile, realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { markCode } from "#agent/runner/setup/code-use.ts";
import { codeUseKey } from "#shared/blobs/code-use.ts";
import { captureTree, readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef, Task } from "#shared/domain.ts";
import { type AgentRig, agentRig } from "#test/support/agent-rig.ts";
import { commandTask } from "#test/support/agent-tasks.ts";
import { plantCode, readsShow, watchCode } from "#test/support/watched-code.ts";

const hasProgram = (name: string): boolean => {
	try {
		execFileSync(name, ["--version"], { stdio: "ignore" });
		return true;
	} catch {
		return false;
	}
};

const code = {
	"train.mjs": 'import { rate } from "./lib/rate.mjs"; console.log(rate);',
	"lib/rate.mjs": 'import { readFileSync } from "node:fs"; export const rate = 1; readFileSync("data/x.csv");',
	"lib/unused.mjs": "",
	"lib/old.cjs": "module.exports = require('./older');",
	"lib/older.js": "",
	"package.json": "{}",
	"data/x.csv": "1,2",
	"data/y.csv": "3,4",
	"data/more/z.csv": "5,6",
	"run.sh": "#!/bin/sh\n. ./env.sh\necho ran",
	"env.sh": "X=1",
	"README.md": "",
	"model/__init__.py": "from . import layers",
	"model/layers.py": "import mmap",
	"model/unused.py": "",
	"train.py": "import model, sibling",
	"sibling.py": "",
};

describe.skipIf(!readsShow)("the code that is read by", () => {
	const used = async (program: string, args: string[], more = {}): Promise<string[] | undefined> => {
		const { run, use } = await watchCode(code);
		await run(program, args, more);
		return (await use())?.paths;
	};

	it("cat", async () => {
		expect(await used("cat", ["README.md", "data/x.csv"])).toEqual(["./", "README.md", "data/x.csv"]);
	});

	it("cp, which need not bring the bytes to memory", async () => {
		expect(await used("cp", ["data/x.csv", "../copy.csv"])).toEqual(["./", "data/x.csv"]);
	});

	it("ls of a folder", async () => {
		expect(await used("ls", ["data"])).toEqual(["./", "data/"]);
	});

	it("a pattern of the shell, which lists", async () => {
		expect(await used("sh", ["-c", "cat data/*.csv"])).toEqual(["./", "data/", "data/x.csv", "data/y.csv"]);
	});

	it("find, which lists all", async () => {
		expect(await used("find", ["."])).toEqual(["./", "data/", "data/more/", "lib/", "model/"]);
	});

	it("a script that is executed and sources another", async () => {
		expect(await used("./run.sh", [])).toEqual(["./", "env.sh", "run.sh"]);
	});

	it("sh of a script elsewhere in the code", async () => {
		const paths = await used("sh", ["-c", "cd data && cat more/z.csv >../out; cat ../out"]);
		expect(paths).toEqual(["./", "data/more/z.csv"]);
	});

	it("a binary that is executed", async () => {
		const { paths, run, use, manifest } = await watchCode({ ...code, "bin/tool": "#!" });
		await copyFile(await realpath("/bin/sh"), join(paths.work, "bin", "tool"));
		await markCode(paths, manifest);
		await run("bin/tool", ["-c", ":"]);
		expect((await use())?.paths).toEqual(["./", "bin/tool"]);
	});

	it("node, with what it imports and reads", async () => {
		expect(await used(process.execPath, ["train.mjs"])).toEqual(["./", "data/x.csv", "lib/rate.mjs", "train.mjs"]);
	});

	it("node, with what it requires", async () => {
		const paths = await used(process.execPath, ["old.cjs"], { workdir: "lib" });
		expect(paths).toEqual(expect.arrayContaining(["lib/old.cjs", "lib/older.js", "package.json"]));
		expect(paths).not.toContain("lib/unused.mjs");
	});

	it.skipIf(!hasProgram("python3"))("python, with its modules", async () => {
		const paths = await used("python3", ["train.py"]);
		const files = paths?.filter((path) => path.endsWith(".py"));
		expect(files).toEqual(["model/__init__.py", "model/layers.py", "sibling.py", "train.py"]);
	});

	it.skipIf(!hasProgram("python3"))("python, through a map of memory", async () => {
		const script = "import mmap; f = open('data/y.csv', 'rb'); mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[0]";
		expect(await used("python3", ["-I", "-c", script])).toEqual(["./", "data/y.csv"]);
	});

	it("true, which is nothing", async () => {
		expect(await used("true", [])).toEqual(["./"]);
	});
});

describe("an attempt", () => {
	const given = async (rig: AgentRig, more: Record<string, string> = {}): Promise<ArtifactRef> => {
		const root = await plantCode(join(rig.home.root, "tree"), { ...code, ...more });
		return captureTree(rig.store, root, "code", "coordinator");
	};
	const tracked = (name: string, command: string, code: ArtifactRef, more: Partial<Task> = {}): Task =>
		commandTask(name, command, { code, trackCode: true, ...more });

	test.skipIf(!readsShow)("reports what it read, and only when asked", async () => {
		const rig = await agentRig();
		const ref = await given(rig);
		await rig.startAgent();
		const asked = tracked("asked", "cat data/x.csv README.md", ref);
		const unasked = tracked("unasked", "cat data/x.csv", ref, { trackCode: false });
		const below = tracked("below", "cat rate.mjs", ref, {
			action: { kind: "command", command: "cat rate.mjs", shell: ["/bin/sh", "-c"], workdir: "lib" },
		});
		const failing = tracked("failing", "cat README.md; exit 1", ref);
		const bare = commandTask("bare", "true", { trackCode: true });
		for (const task of [asked, unasked, below, failing, bare]) await rig.send(task);
		const manifest = await readManifest(rig.store, ref.digest);
		const use = (paths: string[]) => ({ paths, key: codeUseKey(manifest, paths), readsParams: false });
		expect((await rig.finished(asked)).codeUse).toEqual(use(["./", "README.md", "data/x.csv"]));
		expect((await rig.finished(below)).codeUse).toEqual(use(["lib/", "lib/rate.mjs"]));
		expect((await rig.finished(unasked)).codeUse).toBe(null);
		expect((await rig.finished(failing)).codeUse).toBe(null);
		expect((await rig.finished(bare)).codeUse).toBe(null);
	});

	test.skipIf(!readsShow)("counts a file of the code that it hands out as an output, without reading it", async () => {
		const rig = await agentRig();
		const ref = await given(rig);
		await rig.startAgent();
		const outputs = [{ name: "out", path: "out", asValue: false }];
		const linked = tracked("linked", "ln data/x.csv $RUNMESH_OUTPUTS/out", ref, { outputs });
		const moved = tracked("moved", "mv data/x.csv $RUNMESH_OUTPUTS/out", ref, { outputs });
		for (const task of [linked, moved]) await rig.send(task);
		for (const task of [linked, moved]) {
			expect((await rig.finished(task)).codeUse?.paths).toEqual(["./", "data/x.csv"]);
		}
	});

	test.skipIf(!readsShow)("is told of whole when the agent died while it read, and after it had ended", async () => {
		const rig = await agentRig();
		const ref = await given(rig);
		await rig.startAgent();
		const gate = join(rig.home.root, "gate");
		const task = tracked("outlives", `cat README.md; until [ -e ${gate} ]; do sleep 0.05; done; cat data/x.csv`, ref);
		await rig.send(task);
		await rig.started(task);
		await rig.endAgent("SIGKILL");
		await rig.startAgent();
		await rig.until(() => rig.heartbeats.at(-1)?.attempts[0]?.phase === "running");
		await rig.endAgent("SIGKILL");
		await writeFile(gate, "");
		await expect.poll(() => rig.hasEnded(task), { timeout: 20_000 }).toBe(true);
		await rig.startAgent();
		expect((await rig.finished(task)).codeUse?.paths).toEqual(["./", "README.md", "data/x.csv"]);
	});

	test("goes on where the marks were lost: then all of the code counts", async () => {
		const rig = await agentRig();
		const ref = await given(rig);
		await rig.startAgent();
		const task = tracked("unmarked", "cat README.md; rm ../code-marks.json", ref);
		await rig.send(task);
		expect(await rig.finished(task)).toMatchObject({ outcome: "succeeded", codeUse: null });
	});
});
