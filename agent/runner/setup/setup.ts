/** Sets an attempt up: its files, its environment or image; then what its supervisor runs, on the devices it was given. */

import type { Task } from "#shared/domain.ts";
import { hostVariables } from "../containers/variables.ts";
import { writeDevices } from "../files/record.ts";
import type { Held } from "../held.ts";
import type { RunnerOptions, RunnerParts } from "../parts.ts";
import { stepEnvironment } from "./environment.ts";
import { launchScript } from "./launch.ts";
import { prepareAttempt } from "./prepare.ts";

export const setUp = async (
	task: Task,
	{ paths, log, isFresh }: Held,
	{ tools, environments, containers }: RunnerParts,
	signal: AbortSignal,
): Promise<void> => {
	// What is said of making its environment, or of its image, is to be read at once.
	if (task.environment || task.image !== "") log.follow();
	await prepareAttempt(task, paths, tools, { isFresh, signal });
	await environments.provide(task, paths, signal);
	if (task.image !== "") await containers.prepare(task, paths, signal);
};

export const scriptOf = (
	task: Task,
	gpuIds: string[],
	{ paths }: Held,
	{ base, environments, containers }: RunnerParts,
	{ devicesFor, passEnv }: RunnerOptions,
): string => {
	if (gpuIds.length > 0) writeDevices(paths, gpuIds);
	const devices = devicesFor(gpuIds, task);
	if (task.image !== "") {
		const inside = stepEnvironment(hostVariables(base, passEnv), task, paths, devices);
		return containers.script(task, paths, inside, devices.given);
	}
	const own = environments.within(task.attemptId, stepEnvironment(base, task, paths, devices));
	return launchScript(task, paths, own, base);
};
