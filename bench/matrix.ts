/** Pipelines that benchmarks submit. */

/** One step of so many cells; `body` is the rest of the step, one line each. */
export const matrixPipeline = (cells: number, body: readonly string[]): string => {
	// Two axes: a file with ten thousand numbers would measure its parsing.
	const columns = Math.min(cells, 100);
	const rows = Math.ceil(cells / columns);
	const axis = (length: number): string => `[${Array.from({ length }, (_, index) => index).join(", ")}]`;
	return [
		"name: bench",
		"steps:",
		"  cell:",
		...body.map((line) => `    ${line}`),
		`    matrix: {row: ${axis(rows)}, column: ${axis(columns)}}`,
		"",
	].join("\n");
};

/** bash's own clock, so that no further process comes before the stamp. */
const STAMP = 'echo "{\\"name\\":\\"started_s\\",\\"value\\":$EPOCHREALTIME,\\"step\\":0}" >> "$RUNMESH_METRICS"';

/** Steps one after the other; the first thing that each does is to say what time it is. */
export const stampedChain = (length: number): string =>
	[
		"name: chain",
		"steps:",
		...Array.from({ length }, (_, index) => [
			`  s${index}:`,
			"    shell: [bash, -c]",
			"    env: {LC_ALL: C}",
			`    run: ${JSON.stringify(STAMP)}`,
			...(index === 0 ? [] : [`    needs: [s${index - 1}]`]),
		]).flat(),
		"",
	].join("\n");
