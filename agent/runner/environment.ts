/** What a step's process sees: an allow-list of the agent's own environment, the step's `env`, and RUNMESH_*. */

import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task } from "#shared/domain.ts";
import type { AttemptPaths } from "./paths.ts";

export type Environment = Record<string, string>;

const ALLOWED = new Set([
	...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP"],
	...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"],
	...["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
	...["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"],
	...["VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYENV_ROOT", "PYENV_VERSION", "HF_HOME"],
]);

/** A step in Node can `require` the packages that runmesh itself ships, onnxruntime-node and protobufjs among them. */
const ownPackages = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** The same for every step. The agent's own node comes first, so that `node train.mjs` runs everywhere. */
export const baseEnvironment = (env: NodeJS.ProcessEnv = process.env): Environment => {
	const base: Environment = {};
	for (const [name, value] of Object.entries(env)) {
		if (value !== undefined && (ALLOWED.has(name) || name.startsWith("LC_"))) base[name] = value;
	}
	const own = dirname(process.execPath);
	const path = (base.PATH ?? "/usr/local/bin:/usr/bin:/bin").split(delimiter).filter((folder) => folder !== own);
	return { ...base, PATH: [own, ...path].join(delimiter), NODE_PATH: ownPackages };
};

export interface StepDevices {
	gpuIds: string[];
	/** Whether the host has any: a step that asked for none must not take one. */
	hostHasGpus: boolean;
}

/** A step may set anything but what says who it is and which devices it was given. */
export const stepEnvironment = (
	base: Environment,
	task: Task,
	paths: AttemptPaths,
	{ gpuIds, hostHasGpus }: StepDevices,
): Environment => ({
	...base,
	...(hostHasGpus && gpuIds.length === 0 ? { CUDA_VISIBLE_DEVICES: "", NVIDIA_VISIBLE_DEVICES: "void" } : {}),
	...task.env,
	...(gpuIds.length > 0
		? {
				CUDA_DEVICE_ORDER: "PCI_BUS_ID",
				CUDA_VISIBLE_DEVICES: gpuIds.join(","),
				NVIDIA_VISIBLE_DEVICES: gpuIds.join(","),
			}
		: {}),
	RUNMESH_INPUTS: paths.inputs,
	RUNMESH_OUTPUTS: paths.outputs,
	RUNMESH_PARAMS: paths.params,
	RUNMESH_METRICS: paths.metrics,
	RUNMESH_RUN: task.runId,
	RUNMESH_STEP: task.stepKey,
	RUNMESH_ATTEMPT: task.attemptId,
});
