/** The process behind `up --detach`: arguments are the home and the request as JSON; its output is logs/up.log. */

import { RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { resolveHome } from "#shared/home.ts";
import { type DetachedRequest, upLogPath } from "./detach.ts";
import { runForeground } from "./foreground.ts";
import { processLog } from "./process-log.ts";

const [root, requestJson] = process.argv.slice(2);
if (!root || !requestJson) throw new RunmeshError("RM_BAD_INPUT", "background.ts is started by `runmesh up --detach`");

const home = resolveHome(root);
// The file is bounded from within, for as long as this process writes it.
processLog(upLogPath(home));

const stopEarly = new AbortController();
const onDisconnect = (): void => stopEarly.abort();
process.once("disconnect", onDisconnect);

const say = (text: string): void => console.log(`${new Date().toISOString()} ${text}`);

try {
	await runForeground(
		{ ...(JSON.parse(requestJson) as DetachedRequest), home },
		{
			ready: (summary) => {
				process.off("disconnect", onDisconnect);
				say(`up at ${summary.url}`);
				process.send?.({ ready: true, summary });
			},
			news: say,
		},
		stopEarly.signal,
	);
} catch (error) {
	const { code, message, hint } = toRunmeshError(error);
	say(`${code} ${message}`);
	if (process.connected) process.send?.({ error: { code, message, hint } });
	process.exitCode = 1;
}
if (process.connected) process.disconnect();
