/**
 * A step's variables on their way into its container: in a file that the engine's client reads. In its arguments anybody
 * on the host could read them, and in its own environment they would steer the client, which runs on the host.
 */

import { AttemptError } from "../failure.ts";
import type { Environment } from "../setup/environment.ts";

export interface Variables {
	/** What the file says. */
	file: string;
	/** What no line of it can hold: set for the client, which passes them on by name. */
	direct: Environment;
}

/** A line that is longer the clients do not read. */
const LINE_BYTES = 60 * 1024;

/** What means something to a client, its loader, its runtime, or the shell that starts it. */
const STEERING =
	/^(DOCKER|PODMAN|CONTAINERS?|BUILDKIT|BUILDAH|REGISTRY|STORAGE|LD|DYLD|GLIBC|MALLOC|GO|XDG|DBUS|SSL|CURL|NOTIFY|LISTEN|BASH|SHELL|LC|PS)(_|[A-Z0-9]*$)|^_|^(https?|all|no)_proxy$|^(PATH|HOME|IFS|ENV|TMPDIR|LANG|OPTIND|PPID|E?UID|GROUPS|LINENO|RANDOM|SECONDS)$/i;

export const variablesOf = (env: Environment): Variables => {
	const lines: string[] = [];
	const direct: Environment = {};
	for (const [name, value] of Object.entries(env)) {
		const line = `${name}=${value}`;
		if (!/[\r\n]/.test(value) && Buffer.byteLength(line) <= LINE_BYTES) lines.push(`${line}\n`);
		else if (!STEERING.test(name)) direct[name] = value;
		else throw new AttemptError("launch", `in a container the variable ${name} can hold no line break, nor 60 KiB`);
	}
	return { file: lines.join(""), direct };
};

const PROXIES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
const THIS_HOST = /localhost|127\.\d+\.\d+\.\d+|\[?::1\]?/;

/**
 * Of the agent's environment what holds inside too: paths of the host, its user and its libraries do not. `passed` are
 * those that its owner gives to all steps.
 */
export const hostVariables = (base: Environment, passed: readonly string[]): Environment =>
	Object.fromEntries(
		Object.entries(base).filter(([name, value]) => {
			if (passed.includes(name) || name === "TZ" || name.toLowerCase() === "no_proxy") return true;
			return PROXIES.includes(name.toLowerCase()) && !THIS_HOST.test(value);
		}),
	);
