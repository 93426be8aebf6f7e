/**
 * Steps that run until the test lets them go, and leave a mark outside the mesh each time they are really executed;
 * behind them one that reads what they left. And what must be true of their run in the end.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { ApiClient } from "#cli/lib/client.ts";
import type { EventView, RunDetail } from "#shared/api.ts";
import { journalOf, type Place } from "./real-mesh.ts";
import { processesNaming } from "./test-folder.ts";

export interface GatedSteps {
	/** The pipeline file's text. */
	readonly pipeline: string;
	/** Lets an attempt end, or all there are and will be. */
	open(attempt: string | "all"): void;
	/** Ids of the attempts that were executed, in order. */
	executed(step: string): string[];
	/** What the step behind has read. */
	read(step: string): string;
}

/** A step of each name, `<name>-reader` behind it. */
export const gatedSteps = ({ folder }: Place, names: string[]): GatedSteps => {
	const [marks, gates] = [join(folder, "marks"), join(folder, "gates")];
	for (const path of [marks, gates]) mkdirSync(path);
	const steps = names.map(
		(name) => `  ${name}:
    run: |
      echo "$RUNMESH_ATTEMPT" >>"${marks}/${name}"
      echo begun
      until [ -e "${gates}/$RUNMESH_ATTEMPT" ] || [ -e "${gates}/all" ]; do sleep 0.05; done
      echo "$RUNMESH_ATTEMPT" >"$RUNMESH_OUTPUTS/word"
      echo over
    outputs: [word]
  ${name}-reader:
    inputs: {word: ${name}.word}
    run: cat "$RUNMESH_INPUTS/word" >>"${marks}/${name}-read"
`,
	);
	const lines = (name: string): string[] => {
		const path = join(marks, name);
		return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
	};
	return {
		pipeline: `name: gated\ndefaults: {resources: {cpu: 100m, memory: 16Mi}}\nsteps:\n${steps.join("")}`,
		open: (attempt) => writeFileSync(join(gates, attempt), ""),
		executed: lines,
		read: (step) => lines(`${step}-read`).join(" "),
	};
};

/** The first event of the run that matches, of the past or to come. */
export const happened = async (
	client: ApiClient,
	run: string,
	matches: (event: EventView) => boolean,
): Promise<EventView> => {
	for await (const event of client.events(run)) {
		if (matches(event)) return event;
		if (event.kind === "runFinished") break;
	}
	throw new Error(`run ${run} ended without it`);
};

/** The attempt of that number has started. */
export const started = async (client: ApiClient, run: string, step: string, number = 1): Promise<string> => {
	const leased = await happened(
		client,
		run,
		({ kind, step: of, data }) => kind === "attemptLeased" && of === step && data.attemptNumber === number,
	);
	const id = String(leased.data.attemptId);
	await happened(client, run, ({ kind, data }) => kind === "attemptStarted" && data.attemptId === id);
	return id;
};

/** The attempt is lost, as the journal has it. */
export const lost = (client: ApiClient, run: string, attempt: string): Promise<EventView> =>
	happened(client, run, ({ kind, data }) => {
		return kind === "attemptEnded" && data.attemptId === attempt && data.state === "lost";
	});

/** The coordinator has the whole output of the step, which is what it should be. */
export const wholeLog = async (client: ApiClient, run: string, step: string): Promise<void> => {
	let text: string;
	do {
		text = "";
		for await (const record of client.logs(run, step)) text += record.text;
	} while (!text.includes("over"));
	expect(text).toBe("begun\nover\n");
};

/** No process of the attempt is left. */
export const gone = async (attempt: string): Promise<void> => {
	while (processesNaming(attempt).length > 0) await delay(50);
};

/**
 * The run's end, having checked that each step took effect once: one attempt succeeded, it is the last, those before
 * it were lost, and no attempt was executed twice.
 */
export const endedOnce = async (client: ApiClient, run: string, { executed, read }: GatedSteps): Promise<RunDetail> => {
	const journal = await journalOf(client, run);
	const detail = await client.run(run);
	expect({ state: detail.state, steps: detail.stepList.map(({ key, state }) => `${key} ${state}`) }).toEqual({
		state: "succeeded",
		steps: detail.stepList.map(({ key }) => `${key} succeeded`),
	});
	const settled = journal.filter(({ kind }) => kind === "stepSettled").map(({ step }) => step);
	expect(settled.sort()).toEqual(detail.stepList.map(({ key }) => key).sort());
	for (const { key, attempts } of detail.stepList) {
		const states = attempts.map(({ state }) => state);
		expect(states, key).toEqual([...states.slice(0, -1).map(() => "lost"), "succeeded"]);
		if (key.endsWith("-reader")) continue;
		expect(executed(key), `${key} was executed`).toEqual(attempts.map(({ id }) => id));
		expect(read(key), `what was read behind ${key}`).toBe(attempts.at(-1)?.id);
	}
	return detail;
};
