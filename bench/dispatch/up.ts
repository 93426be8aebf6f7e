/** The command `runmesh up`, from its start to the first instruction of the first step submitted to it. */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createApiClient } from "#cli/lib/client.ts";
import { requireCredentials } from "#shared/credentials.ts";
import type { Home } from "#shared/home.ts";
import type { Part } from "../benchmark.ts";
import { median } from "../figures.ts";
import { submit, withHome } from "../harness.ts";
import { stampedChain } from "../matrix.ts";
import { stampOf } from "./stamp.ts";

const command = fileURLToPath(new URL("../../bin/runmesh.mjs", import.meta.url));
const anyPorts = ["--http-port", "--grpc-port", "--nats-port", "--agent-grpc-port", "--serving-port"];
const POLL_MS = 10;
const STOPS_WITHIN_MS = 10_000;

const measureOnce = async (home: Home): Promise<number> => {
	const startedAt = Date.now();
	const up = spawn(process.execPath, [command, "up", "-o", "json", ...anyPorts.flatMap((flag) => [flag, "0"])], {
		env: { ...process.env, RUNMESH_HOME: home.root },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let words = "";
	up.stderr.on("data", (chunk: Buffer) => {
		words += chunk;
	});
	/** Without its grace something of it would stay. */
	const killAtExit = (): void => {
		up.kill("SIGTERM");
		spawnSync("/bin/sh", ["-c", 'while [ -e "$0" ]; do sleep 0.1; done', home.lock], { timeout: STOPS_WITHIN_MS });
	};
	process.once("exit", killAtExit);
	const gone = once(up, "exit");
	const failed = gone.then((): never => {
		throw new Error(`runmesh up ended: ${words}`);
	});
	failed.catch(() => undefined);
	try {
		const [line] = (await Promise.race([once(createInterface(up.stdout), "line"), failed])) as [string];
		const { url } = JSON.parse(line) as { url: string };
		const client = createApiClient({ url, token: requireCredentials(home, {}).apiToken });
		let run = await submit(client, stampedChain(1));
		for (;;) {
			const [step] = run.stepList;
			const stamp = step ? stampOf(step) : null;
			if (stamp !== null) return (stamp - startedAt) / 1000;
			await sleep(POLL_MS);
			run = await client.run(run.id);
		}
	} finally {
		up.kill("SIGTERM");
		await gone;
		process.off("exit", killAtExit);
	}
};

export const upToFirstStep: Part = {
	metrics: ["up_to_first_step_s"],
	measure: ({ quick }) =>
		withHome(async (home) => {
			// The first start makes what later ones find: credentials, compiled modules, streams.
			await measureOnce(home);
			const seconds: number[] = [];
			for (let round = 0; round < (quick ? 1 : 5); round++) seconds.push(await measureOnce(home));
			return [{ metric: "up_to_first_step_s", value: median(seconds), unit: "s", budget: { atMost: 2 } }];
		}),
};
