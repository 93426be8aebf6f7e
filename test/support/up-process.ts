/** An `up` of its own process, with stand-in nodes, for tests that end it: argument is the home; reports over IPC. */

import { runForeground } from "#cli/up/foreground.ts";
import { resolveHome } from "#shared/home.ts";
import { standInMesh } from "./stand-in-mesh.ts";

const [root] = process.argv.slice(2);
if (!root) throw new Error("the home is missing");
await runForeground(
	{ ...standInMesh, home: resolveHome(root) },
	{ ready: (summary) => process.send?.({ ready: true, ...summary }), news: () => undefined },
);
