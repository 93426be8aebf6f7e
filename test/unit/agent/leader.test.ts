import { expect, test } from "vitest";
import { coordinatorAddress } from "#agent/link/leader.ts";

test("begins with the address it was given, and goes where the leader is", () => {
	const moves: string[] = [];
	const address = coordinatorAddress("given:1", () => moves.push("moved"));
	expect(address.current()).toBe("given:1");
	address.announced("given:1");
	expect(moves).toEqual([]);
	address.announced("leader:2");
	expect([address.current(), address.all(), moves]).toEqual(["leader:2", ["leader:2", "given:1"], ["moved"]]);
	address.announced("next:3");
	expect(address.all()).toEqual(["next:3", "given:1"]);
});

test("a leader that can't be reached from here is tried in turn with the address given", () => {
	const address = coordinatorAddress("given:1", () => undefined);
	address.announced("leader:2");
	address.missed("leader:2");
	expect(address.current()).toBe("given:1");
	// An answer that comes late says nothing about the one that is tried now.
	address.missed("leader:2");
	expect(address.current()).toBe("given:1");
	address.missed("given:1");
	expect(address.current()).toBe("leader:2");
});

test("an only address is tried again", () => {
	const address = coordinatorAddress("given:1", () => undefined);
	address.missed("given:1");
	expect(address.current()).toBe("given:1");
});
