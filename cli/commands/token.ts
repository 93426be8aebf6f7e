/** `runmesh token`: tokens by which machines join the mesh. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { JoinTokenView } from "#shared/api.ts";
import { parseDuration } from "#shared/pipeline/units.ts";
import type { ContextProvider } from "../context.ts";
import { parseFromOne } from "../lib/whole-number.ts";

const CREATE_EXAMPLES = `
Examples:
  $ runmesh token create
  $ runmesh token create --expires 2h --uses 20      for a rack of machines
  $ runmesh token create -o json | jq -r .token`;

const parseExpiry = (text: string): number => {
	const ms = parseDuration(text);
	if (ms === null || ms === 0) throw new InvalidArgumentError("Expected a duration, such as 24h.");
	return ms;
};

export const registerToken = (program: Command, context: ContextProvider): void => {
	const token = program
		.command("token")
		.description("make, list and revoke tokens by which machines join")
		.addHelpText("after", "\nExamples:\n  $ runmesh token create\n  $ runmesh token ls");

	token
		.command("create")
		.description("make a token, and print the line to run on the other machine")
		.addOption(
			new Option("--expires <duration>", "how long it can be used").argParser(parseExpiry).default(86_400_000, "24h"),
		)
		.option("--uses <count>", "how many machines may use it", parseFromOne, 1)
		.addHelpText("after", CREATE_EXAMPLES)
		.action(async ({ expires, uses }: { expires: number; uses: number }) => {
			const cli = await context();
			const [{ print }, { tokenCreatedView }, { dialableUrl }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/tokens-view.ts"),
				import("../join/dialable.ts"),
			]);
			const [made, url] = await Promise.all([
				cli.client().createJoinToken({ ttlMs: expires, uses }),
				dialableUrl(cli.url),
			]);
			const command = `runmesh agent join ${url ?? cli.url} --token ${made.token ?? ""}`;
			await print(cli, { ...made, command }, (view, how) => tokenCreatedView(view, url !== null, how));
		});

	token
		.command("ls")
		.description("list tokens that can still be used, and who used them")
		.addHelpText("after", "\nExamples:\n  $ runmesh token ls\n  $ runmesh token ls -o json")
		.action(async () => {
			const cli = await context();
			const [{ print }, { tokensView }] = await Promise.all([
				import("../output/print.ts"),
				import("../output/tokens-view.ts"),
			]);
			await print(cli, await cli.client().joinTokens(), tokensView);
		});

	token
		.command("revoke")
		.description("make a token useless; machines that have joined stay")
		.argument("<id>", "of the token, as `token ls` shows it")
		.addHelpText("after", "\nExamples:\n  $ runmesh token revoke t7k2")
		.action(async (id: JoinTokenView["id"]) => {
			const cli = await context();
			const { print } = await import("../output/print.ts");
			await cli.client().revokeJoinToken(id);
			await print(cli, { id, revoked: true }, () => [`token ${id} is revoked`]);
		});
};
