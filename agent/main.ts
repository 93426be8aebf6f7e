/** Starts an agent. The modules come after the compile cache is on: a cached start is faster and far smaller. */

import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { resolveHome } from "#shared/home.ts";

enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(resolveHome().cache, "compile"));
const { runAgentProcess } = await import("./agent-process.ts");
await runAgentProcess(process.argv.slice(2));
