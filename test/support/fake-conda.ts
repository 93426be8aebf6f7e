/** A conda that does as a test says: what is installed in which time, with or without success. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { newFolder, removeFolder } from "./test-folder.ts";

/** Returns its folder, for the front of PATH. In `script`, `$prefix` is where the environment belongs, `$tools` the folder. */
export const fakeConda = (script: string): string => {
	const tools = newFolder();
	onTestFinished(() => removeFolder(tools));
	const head = '#!/bin/sh\ntools=$(dirname "$0")\nwhile [ "$1" != --prefix ]; do shift; done\nprefix=$2\n';
	writeFileSync(join(tools, "micromamba"), `${head}${script}\n`, { mode: 0o755 });
	return tools;
};

/** An environment with one program, `hello`. */
export const makes =
	'mkdir -p "$prefix/bin"; printf "#!/bin/sh\\necho from conda" >"$prefix/bin/hello"; chmod +x "$prefix/bin/hello"';
