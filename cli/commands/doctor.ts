/** `runmesh doctor`: is this machine fit for a mesh, and is its mesh well? */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";
import type { Verdict } from "../doctor/check.ts";

const EXAMPLES = `
Examples:
  $ runmesh doctor
  $ runmesh doctor -o json | jq '.checks[] | select(.verdict != "ok")'

Exit codes: 0 nothing fails, 1 something does.`;

const NAME_WIDTH = 12;

export const registerDoctor = (program: Command, context: ContextProvider): void => {
	program
		.command("doctor")
		.description("check this machine and its mesh, and say what to do")
		.addHelpText("after", EXAMPLES)
		.action(async () => {
			const cli = await context();
			const [{ diagnose }, { print }, { DEFAULT_URL }, { readMesh }] = await Promise.all([
				import("../doctor/doctor.ts"),
				import("../output/print.ts"),
				import("../context.ts"),
				import("#shared/mesh.ts"),
			]);
			// A killed `up` leaves its address in the home; only another one was named by the user.
			const ofHome = readMesh(cli.home)?.url ?? DEFAULT_URL;
			const named = cli.url === ofHome ? null : cli.url;
			const diagnosis = await diagnose(cli.home, named, process.env);
			await print(cli, diagnosis, ({ checks }, { style }) => {
				const paint: Record<Verdict, (text: string) => string> = {
					ok: style.good,
					warn: style.waiting,
					fail: style.bad,
				};
				return checks.flatMap(({ name, verdict, detail, advice }) => [
					`${paint[verdict](verdict.padEnd(4))}  ${name.padEnd(NAME_WIDTH)} ${detail}`,
					...(advice === "" ? [] : [`${" ".repeat(4 + 2 + NAME_WIDTH)} ${style.dim(`→ ${advice}`)}`]),
				]);
			});
			if (diagnosis.verdict === "fail") process.exitCode = 1;
		});
};
