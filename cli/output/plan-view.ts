/** A plan for people. */

import type { PlanStepView, PlanView } from "#shared/api.ts";
import { formatResources, formatValues, plural } from "./format.ts";
import type { View } from "./print.ts";
import type { Cell } from "./table.ts";
import { escapeControls } from "./text.ts";

const columns = [
	{ header: "STEP" },
	{ header: "MATRIX", flexible: true },
	{ header: "NEEDS", flexible: true },
	{ header: "RESOURCES" },
	{ header: "AGENT", flexible: true },
];

const whyNone = ({ rejected }: PlanStepView): string => {
	if (rejected.length === 0) return "none: no agent is online";
	return `none: ${rejected.map(({ agent, reason }) => `${agent}: ${reason}`).join("; ")}`;
};

export const planView = (plan: PlanView, view: View): string[] => {
	const { style } = view;
	const rows = plan.steps.map((step): Cell[] => [
		step.key,
		formatValues(step.matrix),
		step.needs.join(" "),
		formatResources(step.resources),
		step.agent === null
			? { text: escapeControls(whyNone(step)), paint: style.waiting }
			: { text: step.agents.join(" "), paint: style.good },
	]);
	const params = formatValues(plan.params);
	return [
		`${style.bold(plan.pipeline)}  ${plural(plan.steps.length, "step")}${params === "" ? "" : `  ${style.dim(params)}`}`,
		...view.table(columns, rows),
	];
};
