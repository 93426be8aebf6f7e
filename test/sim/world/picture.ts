/** Journaled state: what two coordinators that have read the same journal must agree on, snapshots or not. */

import type { Attempt, MeshState, Run, Step } from "#coordinator/core/state.ts";

/** A leader wakes steps from their backoff without telling the journal: for it they are ready, for others not yet. */
const WOKEN = "ready or in backoff";

export const pictureOf = (state: MeshState): object => {
	const { epoch, fence, lastEventAtMs, submissions, models, deployments, results, joinTokens } = state;
	return {
		...{ epoch, fence, lastEventAtMs, submissions, models, joinTokens },
		runs: new Map([...state.runs].map(([id, run]) => [id, pictureOfRun(run)])),
		// When agents were told last is no part of the journal.
		deployments: new Map([...deployments].map(([name, deployment]) => [name, { ...deployment, putAtMs: 0 }])),
		results: [...results.entries()],
		attempts: [...state.attempts.keys()].sort(),
		ready: pathsOf([...state.ready.steps(), ...state.backoff]),
		held: pathsOf(state.held),
		runGroups: new Map([...state.runGroups].map(([group, runs]) => [group, [...runs].map(({ id }) => id)])),
		stepGroups: new Map([...state.stepGroups].map(([group, steps]) => [group, pathsOf(steps)])),
		agents: new Map(
			[...state.agents].flatMap(([id, { attempts, cordon }]): [string, object][] =>
				attempts.size > 0 || cordon ? [[id, { cordon, attempts: [...attempts].map((each) => each.id).sort() }]] : [],
			),
		),
	};
};

const pathsOf = (steps: Iterable<Step>): string[] => [...steps].map(({ run, key }) => `${run.id}/${key}`).sort();

/** All of it but what stands elsewhere, and what only its leader knows. */
const pictureOfRun = ({ definition: _, cells: _cells, skippedBehind: _skipped, ...run }: Run): object => ({
	...run,
	steps: new Map([...run.steps].map(([key, step]) => [key, pictureOfStep(step)])),
	dependents: new Map(
		[...run.dependents].flatMap(([need, steps]): [string, string[]][] =>
			steps.length > 0 ? [[need, pathsOf(steps)]] : [],
		),
	),
});

const pictureOfStep = (step: Step): object => {
	const {
		run: _,
		definition: _definition,
		story: _story,
		compared: _compared,
		declinedUntilMs: _declined,
		...rest
	} = step;
	const { attempt, status, sinceMs, readyAtMs, ...fields } = rest;
	const isWoken = status === "ready" || status === "backoff";
	// Waking is not told, so its time isn't either.
	const times = attempt ? null : [readyAtMs, sinceMs];
	return { ...fields, times, status: isWoken ? WOKEN : status, attempt: attempt && pictureOfAttempt(attempt) };
};

/** What members have said is not told: they say it again. */
const pictureOfAttempt = ({ step: _, members, ...attempt }: Attempt): object => ({
	...attempt,
	members: members.map(({ id, agentId, ended }) => ({ id, agentId, ended })),
});

/** Where two pictures differ first; null when nowhere. */
export const firstDifference = (here: unknown, there: unknown): string | null => {
	const [own, other] = [asRecord(here), asRecord(there)];
	if (!own || !other) return here === there ? null : `: ${JSON.stringify(here)} and ${JSON.stringify(there)}`;
	for (const key in { ...own, ...other }) {
		const found = firstDifference(own[key], other[key]);
		if (found !== null) return `.${key}${found}`;
	}
	return null;
};

const asRecord = (value: unknown): Record<string, unknown> | null => {
	if (value instanceof Map) return Object.fromEntries(value);
	if (value instanceof Set) return Object.fromEntries([...value].map((member) => [member, true]));
	return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : null;
};
