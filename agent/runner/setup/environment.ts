/** What a step's process sees: an allow-list of the agent's own environment, the step's `env`, and RUNMESH_*. */

import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "#shared/domain.ts";
import { deviceVariables, type StepDevices, sharingHints } from "../../gpu/environment.ts";
import type { AttemptPaths } from "../files/paths.ts";
import { gangEnvironment } from "./rendezvous.ts";

export type Environment = Record<string, string>;

const ALLOWED = new Set([
	...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP"],
	...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
	...["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
	...["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"],
	...["VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT", "PYENV_VERSION", "HF_HOME"],
]);

/** A step in Node can `require` the packages that runmesh itself ships, onnxruntime-node and protobufjs among them. */
const ownPackages = fileURLToPath(new URL("../../../node_modules", import.meta.url));

/** The same for every step. The agent's own node comes first, so that `node train.mjs` runs everywhere. */
export const baseEnvironment = (
	env: NodeJS.ProcessEnv = process.env,
	/** What the owner lets through beside. */
	passed: readonly string[] = [],
): Environment => {
	const base: Environment = {};
	for (const [name, value] of Object.entries(env)) {
		const isLetThrough = ALLOWED.has(name) || name.startsWith("LC_") || passed.includes(name);
		if (value !== undefined && isLetThrough) base[name] = value;
	}
	const own = dirname(process.execPath);
	const path = (base.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter).filter((folder) => folder !== own);
	return { ...base, PATH: [own, ...path].join(delimiter), NODE_PATH: ownPackages };
};

const THREADS = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"];

/** As many as it has cores: libraries count those of the machine, and get in their own way. */
const threadHints = ({ limits: { cpuMillis } }: Task): Environment => {
	if (cpuMillis === 0) return {};
	const threads = String(Math.max(1, Math.floor(cpuMillis / 1_000)));
	return Object.fromEntries(THREADS.map((name) => [name, threads]));
};

/** A step may set anything but what says who it is and which devices it was given. */
export const stepEnvironment = (
	base: Environment,
	task: Task,
	paths: AttemptPaths,
	devices: StepDevices,
): Environment => ({
	...base,
	...sharingHints(devices),
	...threadHints(task),
	...task.env,
	...deviceVariables(devices),
	...gangEnvironment(task.gang),
	RUNMESH_INPUTS: paths.inputs,
	RUNMESH_OUTPUTS: paths.outputs,
	RUNMESH_PARAMS: paths.params,
	RUNMESH_METRICS: paths.metrics,
	RUNMESH_RUN: task.runId,
	RUNMESH_STEP: task.stepKey,
	RUNMESH_ATTEMPT: task.attemptId,
});
