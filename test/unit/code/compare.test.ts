/** The coordinator's answer to which earlier use of the code still holds. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createCodeComparison } from "#coordinator/code/compare.ts";
import type { CodeCandidate, Input } from "#coordinator/core/inputs.ts";
import { codeUseKey } from "#shared/blobs/code-use.ts";
import { type BlobStore, openBlobStore } from "#shared/blobs/store.ts";
import { captureTree, readManifest } from "#shared/blobs/tree.ts";
import type { ArtifactRef } from "#shared/domain.ts";
import type { Digest, RunId, StepKey } from "#shared/ids.ts";
import { tempDir } from "#test/support/data-plane.ts";
import { plantCode } from "#test/support/watched-code.ts";

const runId = "r1" as RunId;

interface Asked {
	dir: string;
	blobs: BlobStore;
	captured(): Promise<ArtifactRef>;
	/** What the core is told, in that order. */
	ask(...questions: [step: string, code: ArtifactRef, candidates: CodeCandidate[]][]): Promise<Input[]>;
}

const asked = async (take: (input: Input) => Promise<void> = async () => undefined): Promise<Asked> => {
	const dir = await tempDir();
	const blobs = await openBlobStore(join(dir, "store"));
	await plantCode(join(dir, "code"), { "train.mjs": "1", "README.md": "2", "lib/a.mjs": "3" });
	const waiting: ((input: Input) => void)[] = [];
	const compare = createCodeComparison({
		blobs,
		log: pino({ level: "silent" }),
		take: (input) => {
			waiting.shift()?.(input);
			return take(input);
		},
	});
	return {
		dir,
		blobs,
		captured: () => captureTree(blobs, join(dir, "code"), "code", "coordinator"),
		ask: (...questions) => {
			const answers = questions.map(() => new Promise<Input>((resolve) => waiting.push(resolve)));
			for (const [step, code, candidates] of questions) {
				compare({ kind: "compareCode", runId, stepKey: step as StepKey, code, candidates });
			}
			return Promise.all(answers);
		},
	};
};

const answer = (stepKey: string, match: number | null, differing: string[] = []) => ({
	...{ kind: "codeCompared", runId, stepKey, match, differing },
});

test("the first use that looks the same on the new tree", async () => {
	const { dir, blobs, captured, ask } = await asked();
	const before = await readManifest(blobs, (await captured()).digest);
	const codeDigest = (await captured()).digest;
	const useOf = (...paths: string[]): CodeCandidate => ({
		codeDigest,
		use: { paths, key: codeUseKey(before, paths) ?? "", readsParams: false },
	});
	const uses = [useOf("./", "README.md"), useOf("./", "lib/a.mjs"), useOf("./", "train.mjs"), useOf("lib/")];
	await writeFile(join(dir, "code", "README.md"), "new");
	const now = await captured();
	expect(
		await ask(
			["some", now, uses],
			["readme", now, uses.slice(0, 1)],
			["again", now, uses.slice(0, 3).reverse()],
			["none", now, []],
		),
	).toEqual([
		answer("some", 1),
		answer("readme", null, ["README.md changed"]),
		answer("again", 0),
		answer("none", null),
	]);
	await writeFile(join(dir, "code", "lib", "b.mjs"), "");
	expect(await ask(["beside", await captured(), uses.slice(1)])).toEqual([answer("beside", 1)]);
});

test("code that is not here, or is no tree, matches nothing, and the next question is answered", async () => {
	const { blobs, captured, ask } = await asked();
	const code = await captured();
	const paths = ["./", "train.mjs"];
	const key = codeUseKey(await readManifest(blobs, code.digest), paths) ?? "";
	const use: CodeCandidate = { codeDigest: code.digest, use: { paths, key, readsParams: false } };
	const gone = { ...code, digest: `sha256:${"0".repeat(64)}` as Digest };
	const noTree = {
		...code,
		digest: (
			await blobs.write(
				(async function* () {
					yield Buffer.from("no tree");
				})(),
			)
		).digest,
	};
	expect(await ask(["gone", gone, [use]], ["noTree", noTree, [use]], ["here", code, [use]])).toEqual([
		answer("gone", null),
		answer("noTree", null),
		answer("here", 0),
	]);
});

test("more trees than are kept, and a core that takes no answer", async () => {
	const { dir, captured, ask } = await asked(() => Promise.reject(new Error("deposed")));
	const codes: ArtifactRef[] = [];
	for (let version = 0; version < 10; version++) {
		await writeFile(join(dir, "code", "train.mjs"), String(version));
		codes.push(await captured());
	}
	const unknown: CodeCandidate = { codeDigest: "", use: { paths: ["gone.mjs"], key: "none", readsParams: false } };
	const twice = [...codes, ...codes];
	const answers = await ask(
		...twice.map((code, n): [string, ArtifactRef, CodeCandidate[]] => [`s${n}`, code, [unknown]]),
	);
	expect(answers).toEqual(twice.map((_, n) => answer(`s${n}`, null)));
});
