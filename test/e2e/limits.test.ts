/** A step that runs out of the memory it declares: named so, tried again if its file says so, and told to people. */

import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunDetail } from "#shared/api.ts";
import { startRealMesh } from "#test/support/real-mesh.ts";

const PIPELINE = `name: greedy
steps:
  train:
    run: node -e 'const all = []; for (;;) all.push(Buffer.alloc(8 * 1024 ** 2, 1))'
    resources: {cpu: 1, memory: 128Mi}
    retries: {max: 1, on: [oom]}
`;

test.skipIf(process.platform !== "linux")("a step is retried when it ran out of memory, and says so", async () => {
	const mesh = await startRealMesh();
	const folder = mesh.write("greedy", { "pipeline.yaml": PIPELINE });
	const { code, stdout } = await mesh.run("run", join(folder, "pipeline.yaml"), "--no-logs", "-o", "json");
	expect(code).not.toBe(0);
	const run: RunDetail = JSON.parse(stdout.toString());
	const attempts = run.stepList[0]?.attempts ?? [];
	expect(attempts).toHaveLength(2);
	for (const { failure, usage } of attempts) {
		expect(failure).toMatchObject({ cause: "oom" });
		expect(failure?.message).toMatch(/of 128Mi; raise resources.memory/);
		expect(usage?.limits).toMatchObject({ memory: expect.stringMatching(/^(cgroup v[12]|watched)$/) });
		expect(usage?.setupMs).toBeGreaterThan(0);
	}
});
