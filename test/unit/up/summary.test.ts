/** What `up` tells a person about the mesh that it has started. */

import { expect, test } from "vitest";
import { describeMesh, type MeshSummary } from "#cli/up/summary.ts";
import { reachableHost } from "#shared/reachable-host.ts";

const at = (url: string): string =>
	describeMesh({ url, home: "/srv/mesh", agents: [{ name: "lab-1" }], readyMs: 1_234 } as MeshSummary, true);

test("on loopback, how to use and to stop it", () => {
	const text = at("http://127.0.0.1:7400");
	expect(text).toContain("The mesh is up (1.2 s)");
	expect(text).toContain("url     http://127.0.0.1:7400\n");
	expect(text).toContain("runmesh down --home /srv/mesh");
	expect(text).not.toContain("token create");
});

test("where others reach it, how a machine joins, and an address to give to them", () => {
	expect(at("http://10.0.0.1:7400")).toContain("runmesh token create --home /srv/mesh");
	for (const everywhere of ["0.0.0.0", "[::]"]) {
		expect(at(`http://${everywhere}:7400`)).toContain(`url     http://${reachableHost("0.0.0.0")}:7400\n`);
	}
});
