import { expect, it } from "vitest";
import { dumpState, restoreState, writeDump } from "#coordinator/core/snapshot.ts";
import { hasUsed, TOKENS_MAX } from "#coordinator/core/tokens.ts";
import { CoreMesh } from "#test/support/core-mesh.ts";
import { story } from "#test/support/story-mesh.ts";

const HOUR_MS = 3_600_000;

const issue = (mesh: CoreMesh, tokenId: string, uses = 1, ttlMs = HOUR_MS) =>
	mesh.give({ kind: "issueJoinToken", tokenId, secretHash: "ab".repeat(32), ttlMs, uses, by: "ada" });

let asked = 0;
const redeem = (mesh: CoreMesh, tokenId: string, host = "lab-1"): boolean => {
	const useId = `use-${asked++}`;
	mesh.give({ kind: "useJoinToken", tokenId, useId, host });
	return hasUsed(mesh.state.joinTokens.get(tokenId), useId);
};

story("a token is used as often as it was said, under any leader", (mesh) => {
	issue(mesh, "k1", 2);
	expect([redeem(mesh, "k1"), redeem(mesh, "k1", "lab-2"), redeem(mesh, "k1")]).toEqual([true, true, false]);
	expect(mesh.state.joinTokens.get("k1")?.used.map(({ host }) => host)).toEqual(["lab-1", "lab-2"]);
	expect(mesh.events("joinTokenUsed")).toHaveLength(2);
});

it("of two that come in one turn one gets it", () => {
	const mesh = new CoreMesh();
	issue(mesh, "k1");
	mesh.give(
		{ kind: "useJoinToken", tokenId: "k1", useId: "one", host: "lab-1" },
		{ kind: "useJoinToken", tokenId: "k1", useId: "two", host: "lab-2" },
	);
	expect(["one", "two"].map((useId) => hasUsed(mesh.state.joinTokens.get("k1"), useId))).toEqual([true, false]);
});

story("what is expired, revoked or unknown lets nobody in", (mesh) => {
	issue(mesh, "k1", 5, 60_000);
	issue(mesh, "k2", 5);
	mesh.give({ kind: "revokeJoinToken", tokenId: "k2", by: "ada" });
	mesh.give({ kind: "revokeJoinToken", tokenId: "k2", by: "ada" });
	mesh.give({ kind: "revokeJoinToken", tokenId: "nothing", by: "ada" });
	mesh.nowMs += 59_999;
	expect(redeem(mesh, "k1")).toBe(true);
	mesh.nowMs += 1;
	expect([redeem(mesh, "k1"), redeem(mesh, "k2"), redeem(mesh, "nothing")]).toEqual([false, false, false]);
	expect(mesh.events("joinTokenRevoked")).toHaveLength(1);
});

story("what has expired is dropped when the next one comes", (mesh) => {
	issue(mesh, "k1", 1, 60_000);
	issue(mesh, "k2");
	mesh.nowMs += 60_000;
	expect([...mesh.state.joinTokens.keys()]).toEqual(["k1", "k2"]);
	issue(mesh, "k3");
	expect([...mesh.state.joinTokens.keys()]).toEqual(["k2", "k3"]);
});

it("there are so many at a time, and an id is given once", () => {
	const mesh = new CoreMesh();
	for (let index = 0; index <= TOKENS_MAX; index++) issue(mesh, `k${index}`, 1, HOUR_MS);
	expect(mesh.state.joinTokens.size).toBe(TOKENS_MAX);
	mesh.nowMs += HOUR_MS;
	issue(mesh, "again");
	issue(mesh, "again", 7);
	expect([...mesh.state.joinTokens].map(([id, { uses }]) => [id, uses])).toEqual([["again", 1]]);
});

it("a snapshot has them, with what was used", () => {
	const mesh = new CoreMesh();
	issue(mesh, "k1", 3);
	redeem(mesh, "k1");
	const restored = restoreState(writeDump(dumpState(mesh.state)));
	expect(restored.joinTokens).toEqual(mesh.state.joinTokens);
	redeem(mesh, "k1");
	expect(restored.joinTokens.get("k1")?.used).toHaveLength(1);
});
