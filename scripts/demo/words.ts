/** What the demo says at its end: of the answers, of where everything ran, and of what to try next. */

import type { ApiClient } from "#cli/lib/client.ts";
import { createLineAssembler } from "#cli/lib/log-lines.ts";
import type { Style } from "#cli/output/style.ts";
import { escapeControls } from "#cli/output/text.ts";
import type { RunDetail } from "#shared/api.ts";
import { accuracyOf, isRight, percentile, type Quiz, type Served } from "./quiz.ts";

const LOG_LINES = 15;

export const describeQuiz = (quiz: Quiz): string[] => {
	const { answers, tookMs } = quiz;
	const times = answers.map((answer) => answer.tookMs);
	const [p50, p99] = [percentile(times, 0.5).toFixed(1), percentile(times, 0.99).toFixed(1)];
	return [
		`${answers.filter(isRight).length} of ${answers.length} right: accuracy ${accuracyOf(quiz).toFixed(4)}`,
		`each asked for by a request of its own: p50 ${p50} ms, p99 ${p99} ms, ${Math.round((answers.length / tookMs) * 1_000)} rows/s`,
	];
};

/** "lab-1 ran prepare, train.0, validate": agents in the order they came in. */
export const describePlaces = (run: RunDetail): string[] => {
	const places = new Map<string, string[]>();
	for (const { key, attempts } of run.stepList) {
		const agent = attempts.at(-1)?.agent;
		if (agent) places.set(agent, [...(places.get(agent) ?? []), key]);
	}
	return [...places].map(([agent, steps]) => `${agent} ran ${steps.join(", ")}`);
};

/** The last lines that the first failed step printed: the others of a matrix say the same. */
export const failureTail = async (client: ApiClient, run: RunDetail, style: Style): Promise<string[]> => {
	const failed = run.stepList.find(({ state, attempts }) => state === "failed" && attempts.length > 0);
	if (!failed) return [];
	const assembler = createLineAssembler();
	const lines: string[] = [];
	for await (const record of client.logs(run.id, failed.key)) {
		lines.push(...assembler.push(record).map(({ text }) => text));
		lines.splice(0, lines.length - LOG_LINES);
	}
	lines.push(...assembler.flush().map(({ text }) => text));
	return [`the last lines of ${style.bold(failed.key)}:`, ...lines.map((line) => `  ${escapeControls(line)}`), ""];
};

export interface Kept {
	home: string;
	url: string;
	served: Served;
	/** Holds an inference request for one digit. */
	requestFile: string;
	credentialsFile: string;
}

export const describeKept = (kept: Kept, style: Style): string[] => {
	const { served, requestFile, credentialsFile } = kept;
	const token = `$(node -p 'require("${credentialsFile}").inferenceToken')`;
	return [
		`the mesh stays up at ${style.bold(kept.url)}; Ctrl-C stops it and removes ${kept.home}`,
		"in another terminal, here:",
		"",
		`  export RUNMESH_HOME=${kept.home}`,
		"  npx runmesh runs ls",
		"  npx runmesh logs latest train.0",
		"  npx runmesh models ls",
		`  npx runmesh infer ${served.model} --json ${requestFile}`,
		`  curl -s ${served.endpoint}/v2/models/${served.model}/infer -d @${requestFile} \\`,
		`    -H "authorization: Bearer ${token}" -H "content-type: application/json"`,
	];
};
