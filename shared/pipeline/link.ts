/** Steps of a file together: what they say of each other must exist, fit, and lead nowhere in a circle. */

import type { StepDefinition } from "./definition.ts";
import { suggest } from "./near.ts";
import type { Problems } from "./problems.ts";
import type { Link } from "./read-refs.ts";
import type { StepDraft } from "./read-step.ts";

export interface DraftedFile {
	problems: Problems;
	/** Those of `on_failure` too. */
	drafts: readonly StepDraft[];
	/** Outputs of the file as a whole. */
	outputLinks: readonly Link[];
	/** What a step with `uses: pipeline` gives: outputs and their paths; null when its file could not be read. */
	outputsOfUse: (draft: StepDraft) => Record<string, string> | null;
}

/** The steps with the outputs that select steps and sub-pipelines have. */
export const linkSteps = (file: DraftedFile): StepDefinition[] => {
	const { problems, drafts } = file;
	const byName = new Map<string, StepDraft>();
	for (const draft of drafts) {
		// Of two of one name, which is told elsewhere, the first is meant: those of `on_failure` come last.
		if (!byName.has(draft.definition.name)) byName.set(draft.definition.name, draft);
	}
	const steps: Steps = { ...file, byName };
	for (const draft of drafts) {
		for (const link of draft.links) checkLink(steps, draft, link);
	}
	for (const link of file.outputLinks) checkLink(steps, null, link);
	findCircles(problems, drafts, steps.byName);
	return drafts.map((draft) => ({ ...draft.definition, outputs: outputsOf(steps, draft) ?? {} }));
};

interface Steps extends DraftedFile {
	byName: Drafts;
}

type Drafts = ReadonlyMap<string, StepDraft>;

const checkLink = (steps: Steps, draft: StepDraft | null, link: Link): void => {
	const { problems, byName } = steps;
	const { place, step, output, metric } = link;
	const target = byName.get(step);
	if (target === undefined) return problems.add(place, `no step is called \`${step}\``, () => nearStep(byName, step));
	if (target === draft) return problems.add(place, `\`${step}\` needs itself`, "remove it");
	if (target.definition.phase === "onFailure" && draft?.definition.phase !== "onFailure") {
		const message = `\`${step}\` runs only when the run has failed, so nothing outside \`on_failure\` can wait for it`;
		return problems.add(place, message, "move it to `steps`");
	}
	const action = draft?.definition.action;
	if (action?.kind === "select" && action.from === step && target.kind !== null && target.kind !== "command") {
		problems.add(
			place,
			`\`${step}\` is a \`${target.kind}\` step, and gives nothing to choose from`,
			"name a step with `run`",
		);
	}
	if (output !== null) checkOutput(steps, target, link);
	if (metric) checkMetric(problems, target, link);
};

const nearStep = (byName: Drafts, step: string): string => {
	const outer = byName.get(step.split(".")[0] ?? "");
	if (step.includes(".") && outer?.kind === "pipeline") return `take an output of \`${outer.definition.name}\` itself`;
	return suggest(step, [...byName.keys()]);
};

const CHOOSE = "choose a cell by a step with `uses: select`, and take that step's";

const checkOutput = (steps: Steps, target: StepDraft, { place, step, output }: Link): void => {
	const outputs = outputsOf(steps, target);
	if (outputs === null || output === null) return;
	const { problems } = steps;
	if (!Object.hasOwn(outputs, output)) {
		problems.add(place, `step \`${step}\` has no output \`${output}\``, () => suggest(output, Object.keys(outputs)));
	} else if (target.definition.matrix !== null) {
		const message = `\`${step}\` is a matrix, so \`${step}.${output}\` is one for each of its cells`;
		problems.add(place, message, `${CHOOSE} output`);
	}
};

const checkMetric = (problems: Problems, { kind, definition }: StepDraft, { place, step }: Link): void => {
	if (definition.matrix !== null) {
		problems.add(place, `\`${step}\` is a matrix, whose cells each have metrics of their own`, `${CHOOSE} metrics`);
	} else if (kind !== null && kind !== "command" && kind !== "select") {
		problems.add(place, `\`${step}\` is a \`${kind}\` step, and reports no metrics`, "name a step with `run`");
	}
};

/** A select step has those of the step it chooses from. null when they can't be known; a problem has been added. */
const outputsOf = ({ byName, outputsOfUse }: Steps, draft: StepDraft): Record<string, string> | null => {
	const { kind, definition } = draft;
	if (kind === null) return null;
	if (kind === "pipeline") return outputsOfUse(draft);
	if (definition.action.kind !== "select") return definition.outputs;
	const from = byName.get(definition.action.from);
	return from?.kind === "command" ? from.definition.outputs : null;
};

/** Steps that wait for each other would wait for ever. Each circle is told once, from its first step in the file. */
const findCircles = (problems: Problems, drafts: readonly StepDraft[], byName: Drafts): void => {
	const stuck = withoutOrder(drafts, byName);
	const walked = new Set<StepDraft>();
	for (const start of drafts) {
		const path: StepDraft[] = [];
		let at: StepDraft | undefined = start;
		while (at !== undefined && stuck.has(at) && !walked.has(at)) {
			walked.add(at);
			path.push(at);
			at = nextOf(at, byName, stuck);
		}
		const entry = at === undefined ? -1 : path.indexOf(at);
		if (entry >= 0) addCircle(problems, path.slice(entry));
	}
};

const nextOf = (draft: StepDraft, byName: Drafts, stuck: ReadonlySet<StepDraft>): StepDraft | undefined =>
	neighbours(draft, byName).find((neighbour) => stuck.has(neighbour));

/** What it needs, but itself: that is told as what it is. */
const neighbours = (draft: StepDraft, byName: Drafts): StepDraft[] =>
	draft.definition.needs.flatMap((need) => {
		const target = byName.get(need);
		return target === undefined || target === draft ? [] : [target];
	});

/** Steps left when one takes away, again and again, those whose needs are all away: in a circle, or behind one. */
const withoutOrder = (drafts: readonly StepDraft[], byName: Drafts): Set<StepDraft> => {
	const left = new Map(drafts.map((draft) => [draft, neighbours(draft, byName).length]));
	const dependents = new Map<StepDraft, StepDraft[]>(drafts.map((draft) => [draft, []]));
	for (const draft of drafts) {
		for (const need of neighbours(draft, byName)) dependents.get(need)?.push(draft);
	}
	const free = drafts.filter((draft) => left.get(draft) === 0);
	for (let draft = free.pop(); draft !== undefined; draft = free.pop()) {
		left.delete(draft);
		for (const dependent of dependents.get(draft) ?? []) {
			const needs = (left.get(dependent) ?? 0) - 1;
			left.set(dependent, needs);
			if (needs === 0) free.push(dependent);
		}
	}
	return new Set(left.keys());
};

const MAX_SHOWN = 20;

const addCircle = (problems: Problems, found: readonly StepDraft[]): void => {
	const begin = found.reduce((least, { place }, at) => (place.start < startOf(found[least]) ? at : least), 0);
	const circle = [...found.slice(begin), ...found.slice(0, begin)];
	const [first, second = first] = circle;
	const link = first?.links.find(({ step }) => step === second?.definition.name);
	if (first === undefined || link === undefined) return;
	const shown = circle.slice(0, MAX_SHOWN).map(({ definition }) => definition.name);
	if (circle.length > MAX_SHOWN) shown.push(`… ${circle.length - MAX_SHOWN} more …`);
	const names = [...shown, first.definition.name].join(" → ");
	problems.add(
		link.place,
		`these steps wait for each other: ${names}`,
		"each needs the next; remove one of these needs",
	);
};

const startOf = (draft: StepDraft | undefined): number => draft?.place.start ?? 0;
