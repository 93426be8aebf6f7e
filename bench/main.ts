/**
 * `npm run bench -- NAME [--data DIR] [-o json]`: one benchmark, as a table or, alone on standard output, as JSON.
 * Progress goes to standard error.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { errorTable, RunmeshError, toRunmeshError } from "#shared/errors.ts";
import { type Part, runParts } from "./benchmark.ts";
import { figuresTable, type Measured, toFigure } from "./figures.ts";
import { describeMachine, type Machine, machineLine } from "./machine.ts";

const benchmarks: Record<string, () => Promise<{ parts: readonly Part[] }>> = {
	agent: () => import("./agent.ts"),
	dispatch: () => import("./dispatch.ts"),
	readside: () => import("./readside.ts"),
	scale: () => import("./scale.ts"),
};

const names = Object.keys(benchmarks).join(", ");

const USAGE = `usage: npm run bench -- NAME [options]
  NAME              one of ${names}
  -o, --output json  print the figures as JSON, alone on standard output
  --quick           a short run: shows that it works, its figures mean little
  --only METRIC     only what leads to this metric; may be repeated
  --data DIR        data sets that are not part of the repository
  --profile DIR     write CPU profiles of the mesh's processes there
  --save            keep the result in bench/results/NAME.json`;

const main = async (): Promise<void> => {
	const { positionals, values } = readArguments();
	if (values.help) return void process.stdout.write(`${USAGE}\n`);
	const [name = ""] = positionals;
	const load = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
	if (!load || positionals.length !== 1) {
		const what = name === "" ? "a benchmark's name is missing" : `there is no benchmark "${positionals.join(" ")}"`;
		throw new RunmeshError("RM_BAD_INPUT", what, { hint: `there are ${names}` });
	}
	// Figures are of the mesh, however busy the machine is; its agents inherit this.
	process.env.RUNMESH_OTHERS ??= "ignore";
	const { parts } = await load();
	const known = parts.flatMap(({ metrics }) => metrics);
	const unknown = values.only.filter((metric) => !known.includes(metric));
	if (unknown.length > 0) {
		throw new RunmeshError("RM_BAD_INPUT", `${name} has no metric ${unknown.join(", ")}`, {
			hint: `it has ${known.join(", ")}`,
		});
	}
	if (values.profile !== undefined) mkdirSync(values.profile, { recursive: true });
	const machine = await describeMachine();
	const note = (line: string): void => void process.stderr.write(`${line}\n`);
	note(machineLine(machine));
	const measured = await runParts(parts, {
		quick: values.quick,
		only: values.only,
		profiles: values.profile ?? null,
		data: values.data ?? null,
		note,
	});
	if (values.save) save(name, machine, measured);
	const json = values.output === "json";
	process.stdout.write(`${json ? JSON.stringify(measured.map(toFigure)) : figuresTable(measured).join("\n")}\n`);
};

const readArguments = () => {
	try {
		const parsed = parseArgs({
			allowPositionals: true,
			options: {
				output: { type: "string", short: "o", default: "table" },
				quick: { type: "boolean", default: false },
				only: { type: "string", multiple: true, default: [] as string[] },
				data: { type: "string" },
				profile: { type: "string" },
				save: { type: "boolean", default: false },
				help: { type: "boolean", short: "h", default: false },
			},
		});
		if (parsed.values.output === "json" || parsed.values.output === "table") return parsed;
		throw new Error(`-o ${parsed.values.output} is not known: table or json`);
	} catch (cause) {
		throw new RunmeshError("RM_BAD_INPUT", (cause as Error).message, { hint: "see --help", cause });
	}
};

const save = (name: string, machine: Machine, measured: readonly Measured[]): void => {
	const path = fileURLToPath(new URL(`./results/${name}.json`, import.meta.url));
	writeFileSync(path, `${JSON.stringify({ machine, figures: measured.map(toFigure) }, null, "\t")}\n`);
};

// Ends by way of "exit", where the harness kills and removes what it started.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

try {
	await main();
} catch (error) {
	const { code, message, hint, stack } = toRunmeshError(error);
	process.stderr.write(`bench: ${code === "RM_INTERNAL" ? stack : message}\n${hint ? `  ${hint}\n` : ""}`);
	process.exitCode = errorTable[code].exit;
}
