/** Why something is as it is, for people. */

import type { ExplainView, WaitView } from "#shared/api.ts";
import { formatAge } from "./format.ts";
import type { View } from "./print.ts";
import { oneLine } from "./text.ts";

const BLOCKERS_SHOWN = 10;
const STORY_SHOWN = 40;

/** Local time of day; with the date where that is another day. */
const clockTime = (atMs: number, nowMs: number): string => {
	const at = new Date(atMs);
	const two = (number: number): string => String(number).padStart(2, "0");
	const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
	if (at.toDateString() === new Date(nowMs).toDateString()) return time;
	return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
};

const FINAL = new Set(["succeeded", "failed", "cancelled", "skipped", "lost", "declined"]);

/** "2m ago" of what is over, "for 2m" of what goes on. */
const since = (sinceMs: number | null, { style, nowMs }: View, isOver = false): string => {
	if (sinceMs === null) return "";
	const age = formatAge(sinceMs, nowMs);
	if (isOver) return style.dim(`  ${age}`);
	return age === "now" ? "" : style.dim(`  for ${age.replace(/ ago$/, "")}`);
};

const waitLines = ({ what, sinceMs, blockers }: WaitView, view: View): string[] => {
	const { style } = view;
	const shown = blockers.slice(0, BLOCKERS_SHOWN);
	const hidden = blockers.length - shown.length;
	return [
		`  ${style.waiting("…")} ${oneLine(what)}${since(sinceMs, view)}`,
		...shown.map(({ id, reason }) => `      ${style.bold(oneLine(id))}${reason === "" ? "" : `  ${oneLine(reason)}`}`),
		...(hidden > 0 ? [style.dim(`      and ${hidden} more`)] : []),
	];
};

export const explainView = (explained: ExplainView, view: View): string[] => {
	const { style, nowMs } = view;
	const { subject, id, state, sinceMs, summary, waits, story, hints } = explained;
	const age = since(sinceMs, view, FINAL.has(state));
	const lines = [`${subject} ${style.bold(oneLine(id))}  ${style.state(state)(state)}${age}`, oneLine(summary)];
	if (waits.length > 0) lines.push("", style.dim("waits for"), ...waits.flatMap((wait) => waitLines(wait, view)));
	if (story.length > 0) {
		const hidden = Math.max(0, story.length - STORY_SHOWN);
		lines.push("", style.dim("what happened"));
		if (hidden > 0) lines.push(style.dim(`  ${hidden} earlier: -o json shows them`));
		for (const { atMs, text } of story.slice(hidden)) {
			lines.push(`  ${style.dim(clockTime(atMs, nowMs))}  ${oneLine(text)}`);
		}
	}
	if (hints.length > 0)
		lines.push("", style.dim("what to do"), ...hints.map((hint) => `  ${style.busy("→")} ${oneLine(hint)}`));
	return lines;
};
