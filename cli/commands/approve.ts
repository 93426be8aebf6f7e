/** `runmesh approve`: a person's answer to a step that waits for it. */

import type { Command } from "commander";
import type { ContextProvider } from "../context.ts";

const EXAMPLES = `
Examples:
  $ runmesh approve latest release
  $ runmesh approve r01jx release --comment "looks good"
  $ runmesh approve r01jx release --reject --comment "accuracy is too low"

A step that is rejected fails; those behind it are skipped.`;

export const registerApprove = (program: Command, context: ContextProvider): void => {
	program
		.command("approve")
		.description("let a step with `uses: approve` go ahead, or reject it")
		.argument("<run>", 'id, the beginning of one, or "latest"')
		.argument("<step>", "step key")
		.option("--reject", "the step fails")
		.option("--comment <text>", "kept with the answer", "")
		.addHelpText("after", EXAMPLES)
		.action(async (run: string, step: string, { reject = false, comment }: { reject?: boolean; comment: string }) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			const answered = await cli.client().approveStep(run, step, { approved: !reject, comment });
			await print(cli, answered, ({ id }) => [`${reject ? "rejected" : "approved"} ${step} of run ${id}`]);
		});
};
