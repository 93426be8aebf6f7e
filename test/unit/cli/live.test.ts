import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { liveProgress, mostInteresting, renderSteps } from "#cli/output/live.ts";
import { createStyle } from "#cli/output/style.ts";
import { widthOf } from "#cli/output/text.ts";
import { runDetail, stepView } from "#test/support/run-detail.ts";

const ESCAPE = "\u001b";
const style = createStyle(false);

/** What a terminal shows after these writes: enough of one for moving up and clearing what is below. */
const screenOf = (written: string): string[] => {
	let lines: string[] = [""];
	const plain = written.replaceAll(`${ESCAPE}[?7l`, "").replaceAll(`${ESCAPE}[?7h`, "");
	for (const part of plain.split(ESCAPE)) {
		const up = /^\[(\d+)A\r$/.exec(part)?.[1];
		if (up !== undefined) lines = [...lines.slice(0, lines.length - 1 - Number(up)), ""];
		const [first = "", ...more] = up === undefined ? part.replace(/^\[J/, "").split("\n") : [];
		lines = [...lines.slice(0, -1), (lines.at(-1) ?? "") + first, ...more];
	}
	return lines.slice(0, -1);
};

const terminal = () => {
	let written = "";
	const sink = Object.assign(new PassThrough(), { isTTY: true, columns: 60, rows: 12 });
	sink.on("data", (chunk) => {
		written += chunk;
	});
	const drawn = () => new Promise<void>((resolve) => sink.once("data", () => resolve()));
	return { sink, drawn, screen: () => screenOf(written) };
};

const line = (text: string) => ({
	step: "train",
	label: "train",
	attempt: 1,
	stream: "stdout" as const,
	atMs: 0,
	text,
});

test("log lines scroll above a table that stays in place", async () => {
	const { sink, drawn, screen } = terminal();
	const progress = liveProgress(sink, style, { colors: false });
	progress.update(runDetail([stepView("train", { state: "running", startedAtMs: 0 })]));
	await drawn();
	progress.line(line("epoch 1"));
	progress.line(line("epoch 2 \u001b[2J"));
	await drawn();
	expect(screen().slice(0, 3)).toEqual(["run r0test  digits  1 step", "train │ epoch 1", "train │ epoch 2 \\x1b[2J"]);
	expect(screen().filter((shown) => shown.includes("▸  train"))).toHaveLength(1);
	progress.update(
		runDetail([stepView("train", { state: "succeeded" })], { state: "succeeded", finishedAtMs: 1_700_000_001_000 }),
	);
	progress.close();
	progress.close();
	expect(screen().slice(1)).toEqual([
		"train │ epoch 1",
		"train │ epoch 2 \\x1b[2J",
		"   step   matrix  state      time",
		"✓  train          succeeded",
		"1/1 done · 0 running · 1.0s",
	]);
});

test("what waits for a person, and a run that waits for its turn, are told", () => {
	const held = stepView("release", { state: "held", reason: "a person must approve it: `runmesh approve r0 release`" });
	const lines = renderSteps(runDetail([held]), style, { width: null, height: 8 }, 0);
	expect(lines[1]).toBe("?  release          held         a person must approve it: `runmesh approve r0 release`");
	const queued = runDetail([stepView("a")], { state: "queued", reason: "one run is before it" });
	expect(renderSteps(queued, style, { width: null, height: 8 }, 0).at(-1)).toContain(
		"queued: one run is before it · 0/1",
	);
});

test("the table never outgrows the terminal, and shows what matters most", () => {
	const steps = Array.from({ length: 100 }, (_, index) =>
		stepView(`step-with-a-long-name-${index}`, {
			state: index === 70 ? "running" : index === 90 ? "failed" : "waiting",
			reason: "x".repeat(100),
		}),
	);
	const lines = renderSteps(runDetail(steps), style, { width: 60, height: 8 }, 0);
	expect(lines).toHaveLength(8);
	for (const shown of lines) expect(widthOf(shown)).toBeLessThanOrEqual(60);
	expect(lines.at(-1)).toContain("94 more");
	expect(mostInteresting(steps, 2).map(({ key }) => key)).toEqual([
		"step-with-a-long-name-70",
		"step-with-a-long-name-90",
	]);
});
