/** Entry of the command line: parse, run, tell what went wrong, leave with the exit code that says so. */

import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { resolveHome } from "#shared/home.ts";

// Taking the types out of every source takes longer than all else at the start; once is enough.
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(resolveHome().cache, "compile"));

for (const stream of [process.stdout, process.stderr]) {
	stream.on("error", (error: NodeJS.ErrnoException) => {
		// The reader has gone, as `head` does: nobody is left to tell.
		if (error.code === "EPIPE") process.exit();
		throw error;
	});
}

const [{ buildProgram, withVersionFlag }, { HelpShown }] = await Promise.all([
	import("./program.ts"),
	import("./usage.ts"),
]);
const { argv, env, stdout, stderr } = process;
try {
	await buildProgram({ env, stdout, stderr }).parseAsync(withVersionFlag(argv));
} catch (error) {
	if (error instanceof HelpShown) process.exitCode = error.exitCode;
	else {
		const { report } = await import("./report.ts");
		process.exitCode = await report(error, { argv, env, stderr });
	}
}
