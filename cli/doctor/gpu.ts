/** The check of this machine's GPUs: what an agent here would find, and what to do where a driver does not work. */

import { execFile } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { type Check, ok, warn } from "./check.ts";

const TOOL_MS = 10_000;
const name = "gpu";

/** Of the first vendor whose tool is here. */
export const checkGpu = async (env: NodeJS.ProcessEnv): Promise<Check> => {
	const nvidia = await checkNvidia(env);
	if (nvidia) return nvidia;
	const amd = await checkAmd(env);
	if (amd) return amd;
	if (process.platform === "darwin" && process.arch === "arm64") return ok(name, "Apple's own, for Metal");
	return ok(name, "no nvidia-smi or rocm-smi: steps that ask for a GPU go to other machines");
};

const checkNvidia = async (env: NodeJS.ProcessEnv): Promise<Check | null> => {
	const query = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
	const said = await runTool("nvidia-smi", query, env);
	if (said === null) return null;
	if ("problem" in said) return warn(name, `nvidia-smi fails: ${said.problem}`, adviceFor(said.problem));
	const devices = said.stdout.split("\n").flatMap((line) => {
		const [model = "", driver] = line.split(",").map((field) => field.trim());
		return driver === undefined ? [] : [{ model, driver }];
	});
	if (devices.length === 0) return warn(name, said.stdout.trim().slice(0, 200), adviceFor(said.stdout));
	const table = await runTool("nvidia-smi", [], env);
	const cuda = table && "stdout" in table ? /CUDA Version: ([\d.]+)/.exec(table.stdout)?.[1] : undefined;
	const found = `${counted(devices.map(({ model }) => model))}; driver ${devices[0]?.driver}${cuda ? `, CUDA ${cuda}` : ""}`;
	// One of several may be gone, and the tool content all the same.
	const complaint = said.stderr.trim() || said.stdout.split("\n").find((line) => /GPU is lost|Unable to/.test(line));
	if (complaint) return warn(name, `${found}; ${complaint}`, adviceFor(complaint));
	const visible = env.CUDA_VISIBLE_DEVICES;
	return visible === undefined
		? ok(name, found)
		: ok(name, `${found}; CUDA_VISIBLE_DEVICES=${visible} is not heeded: choose with the agent's --gpus`);
};

const checkAmd = async (env: NodeJS.ProcessEnv): Promise<Check | null> => {
	const said = await runTool("rocm-smi", ["--showproductname", "--json"], env);
	if (said === null) return null;
	if ("problem" in said) return warn(name, `rocm-smi fails: ${said.problem}`, adviceFor(said.problem));
	const models = [...said.stdout.matchAll(/"Card Series": "([^"]+)"/gi)].map(([, model = ""]) => model);
	const found = models.length > 0 ? counted(models) : "rocm-smi finds no device";
	try {
		await access("/dev/kfd", constants.R_OK | constants.W_OK);
		return ok(name, found);
	} catch {
		return warn(
			name,
			`${found}; /dev/kfd can't be opened`,
			"add this user to the groups render and video, then log in again",
		);
	}
};

/** "2 × Tesla T4, NVIDIA A100" */
const counted = (models: readonly string[]): string => {
	const counts = new Map<string, number>();
	for (const model of models) counts.set(model, (counts.get(model) ?? 0) + 1);
	return [...counts].map(([model, count]) => (count > 1 ? `${count} × ${model}` : model)).join(", ");
};

const advices: readonly [RegExp, string][] = [
	[/version mismatch/i, "the driver was upgraded under a running kernel module: reboot"],
	[
		/couldn't communicate/i,
		"the kernel module is not loaded: `sudo modprobe nvidia`, or install the driver for this kernel again",
	],
	[
		/is lost|fallen off|Unable to determine|requires reset/i,
		"the device is gone from its bus: reboot, and check its power and its slot",
	],
	[/No devices were found/i, "the driver sees no device: `lspci | grep -i nvidia` and the kernel's log tell more"],
	[/no answer/i, "the driver hangs: the kernel's log tells why (Xid); a reboot helps"],
	[/permission/i, "this user may not open the device: check the groups video and render"],
];

const adviceFor = (problem: string): string =>
	advices.find(([pattern]) => pattern.test(problem))?.[1] ?? "check the driver: these GPUs are not used";

type Said = { stdout: string; stderr: string } | { problem: string };

/** null when it is not installed. One that even SIGKILL does not end is left behind. */
const runTool = (tool: string, args: string[], env: NodeJS.ProcessEnv): Promise<Said | null> =>
	new Promise((resolve) => {
		const child = execFile(tool, args, { env }, (error, stdout, stderr) => {
			clearTimeout(timer);
			if (!error) return resolve({ stdout, stderr });
			if (error.code === "ENOENT") return resolve(null);
			resolve({ problem: (stderr.trim() || stdout.trim() || error.message).split("\n")[0] ?? "" });
		});
		const timer = setTimeout(() => {
			resolve({ problem: `no answer in ${TOOL_MS / 1000} s` });
			child.kill("SIGKILL");
			child.stdout?.destroy();
			child.stderr?.destroy();
			child.unref();
		}, TOOL_MS);
	});
