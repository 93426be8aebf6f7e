/** The files of one attempt. */

import type { AttemptId } from "#shared/ids.ts";

export interface AttemptPaths {
	folder: string;
	/** Working copy of the code tree; the command runs in it. */
	work: string;
	inputs: string;
	outputs: string;
	params: string;
	metrics: string;
	stdout: string;
	stderr: string;
	/** Records of its progress: record.ts. */
	task: string;
	devices: string;
	environment: string;
	codeMarks: string;
	launch: string;
	process: string;
	stop: string;
	pause: string;
	outcome: string;
}

export const attemptPaths = (root: string, attemptId: AttemptId): AttemptPaths => {
	const folder = `${root}/${attemptId}`;
	return {
		folder,
		work: `${folder}/work`,
		inputs: `${folder}/inputs`,
		outputs: `${folder}/outputs`,
		params: `${folder}/params.json`,
		metrics: `${folder}/metrics.jsonl`,
		stdout: `${folder}/stdout`,
		stderr: `${folder}/stderr`,
		task: `${folder}/task.bin`,
		devices: `${folder}/devices.json`,
		environment: `${folder}/environment.json`,
		codeMarks: `${folder}/code-marks.json`,
		launch: `${folder}/launch.sh`,
		process: `${folder}/process`,
		stop: `${folder}/stop.json`,
		pause: `${folder}/pause.json`,
		outcome: `${folder}/outcome.bin`,
	};
};
