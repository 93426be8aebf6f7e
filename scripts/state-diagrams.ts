/** `npm run docs:states`: docs/states.md, drawn from the transition tables that the coordinator itself is bound by. */

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AttemptStatus, RunStatus, StepStatus } from "#coordinator/core/state.ts";
import { attemptMoves, runMoves, stepMoves } from "#coordinator/core/transitions.ts";

export const statesPath: string = fileURLToPath(new URL("../docs/states.md", import.meta.url));

const steps: Record<StepStatus, string> = {
	waiting: "A step that it needs has not settled with all its cells yet, or its run is queued.",
	ready: "It may run; no agent has room for it, its concurrency group is full, or an equal step runs for it.",
	held: "A person is to approve it.",
	leased: "An attempt is placed on an agent, which has not said yet that it runs.",
	running: "An attempt runs; of a deploy step: its replicas come up.",
	backoff: "An attempt ended without success, and the next is due later.",
	succeeded: "Its outputs count from now on.",
	failed: "No retry is left, or none would help.",
	cancelled: "It or its run was cancelled.",
	skipped: "A step that it needs did not succeed, its `if` does not hold, or it was not asked for.",
};

const attempts: Record<AttemptStatus, string> = {
	leased: "Placed on an agent; its task is on the way, or its inputs are being brought.",
	running: "Its process was started.",
	succeeded: "Exit code 0, every output was there, every gate held.",
	failed: "It has a failure with a cause.",
	lost: "Its agent was not heard within the lease, or does not know it any more. A sign of life brings it back.",
	cancelled: "Its agent stopped it.",
	declined: "Its agent handed it back before anything ran.",
};

const runs: Record<RunStatus, string> = {
	queued: "Its concurrency group is full.",
	running: "Some step is not at its end.",
	cancelling: "No more attempts are leased; those that run are told to stop.",
	succeeded: "No step failed or was cancelled.",
	failed: "A step failed, or the run took longer than its timeout.",
	cancelled: "The run or one of its steps was cancelled.",
};

interface Machine<S extends string> {
	title: string;
	first: S;
	moves: Readonly<Record<S, readonly S[]>>;
	meanings: Record<S, string>;
}

const diagram = <S extends string>({ first, moves }: Machine<S>): string[] => {
	const lines = [`\t[*] --> ${first}`];
	for (const [from, targets] of Object.entries(moves) as [S, readonly S[]][]) {
		lines.push(...targets.map((to) => `\t${from} --> ${to}`));
		if (targets.length === 0) lines.push(`\t${from} --> [*]`);
	}
	return ["```mermaid", "stateDiagram-v2", ...lines, "```"];
};

const section = <S extends string>(machine: Machine<S>): string[] => [
	`## ${machine.title}`,
	"",
	...diagram(machine),
	"",
	"| state | meaning |",
	"| --- | --- |",
	...Object.entries<string>(machine.meanings).map(([state, meaning]) => `| \`${state}\` | ${meaning} |`),
	"",
];

const INTRODUCTION = `# States

Made by \`npm run docs:states\` from \`coordinator/core/transitions.ts\`; a test keeps the two equal. The core checks each
move against these tables. One that is not in them is a defect: it throws, with the step's last moves in the message.

From \`backoff\` a step goes to \`ready\` when its time has come. It goes elsewhere when the attempt that was taken for lost
is heard of after all: a late result counts as long as no newer attempt was leased.
`;

export const stateDiagrams = (): string =>
	[
		INTRODUCTION,
		...section<StepStatus>({ title: "A step", first: "waiting", moves: stepMoves, meanings: steps }),
		...section<AttemptStatus>({ title: "An attempt", first: "leased", moves: attemptMoves, meanings: attempts }),
		...section<RunStatus>({ title: "A run", first: "running", moves: runMoves, meanings: runs }),
	].join("\n");

if (import.meta.main) writeFileSync(statesPath, stateDiagrams());
