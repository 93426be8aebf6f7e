/**
 * The throw-away process that looks into a model: validator.ts <model> <artifact root> <golden or "">. Says each
 * check as it begins and ends, so that where it dies is known; the agent watches its time and memory.
 */

import { readFileSync, statSync } from "node:fs";
import { RunmeshError } from "#shared/errors.ts";
import { type ModelHeader, readModelHeader } from "#shared/onnx/header.ts";
import { linkToParent } from "../parent-link.ts";
import { type LoadedModel, loadModel, runtimeName, volunteerForOom } from "../runtime.ts";
import { zeroInputs } from "../warm-up.ts";
import { compareOutputs, parseGolden } from "./golden.ts";
import type { Check, CheckName } from "./report.ts";
import { checkExternalData, checkOperators, checkOpset, checkValues } from "./structure.ts";

/** Of one message of this child to the agent. */
export type ValidatorMessage =
	| { kind: "begin"; name: CheckName }
	| { kind: "end"; check: Check }
	| { kind: "done"; runtime: string; provider: string; loadMs: number; peakRssBytes: number };

const MAX_MODEL_BYTES = 2 ** 31;
const MAX_GOLDEN_BYTES = 64 * 1024 ** 2;

const [modelPath = "", root = "", goldenPath = ""] = process.argv.slice(2);
const agent = linkToParent(() => {});
const say = (message: ValidatorMessage): void => agent.say(message);

const checkSize = (path: string, limit: number, what: string): void => {
	const { size } = statSync(path);
	if (size > limit) throw new RunmeshError("RM_TOO_LARGE", `${what} has ${size} bytes, the limit is ${limit}`);
};

/** Whether it holds; `work` returns the finding or throws what is wrong. */
const check = async (name: CheckName, work: () => string | Promise<string>): Promise<boolean> => {
	say({ kind: "begin", name });
	let result: Check;
	try {
		result = { name, ok: true, detail: await work() };
	} catch (error) {
		const { message } = error as Error;
		const hint = error instanceof RunmeshError && error.hint ? ` (${error.hint})` : "";
		result = { name, ok: false, detail: `${message}${hint}` };
	}
	say({ kind: "end", check: result });
	return result.ok;
};

const OUT_OF_MEMORY = /bad_alloc|allocate memory/i;

/** For what it takes of time and memory. Zeros may not suit the model otherwise, which is no fault of it. */
const runOnZeros = async (loaded: LoadedModel): Promise<string> => {
	try {
		await loaded.run(zeroInputs(loaded.inputs), []);
		return "ran on zeros";
	} catch (error) {
		const { message } = error as Error;
		if (OUT_OF_MEMORY.test(message)) throw new Error(`the memory limit stood in its way: ${message}`);
		return `did not run on zeros: ${message}`;
	}
};

const validate = async (): Promise<LoadedModel | null> => {
	let header = null as ModelHeader | null;
	let model: LoadedModel | null = null;
	const parsed = await check("parse", () => {
		checkSize(modelPath, MAX_MODEL_BYTES, "the model's file");
		const bytes = readFileSync(modelPath);
		header = readModelHeader(bytes);
		const { name, version } = header.producer;
		return `${bytes.length} bytes${name ? `, made by ${name} ${version}`.trimEnd() : ""}`;
	});
	if (!parsed || !header) return null;
	const known: ModelHeader = header;
	const sound =
		(await check("opset", () => checkOpset(known))) &&
		(await check("operators", () => checkOperators(known))) &&
		(await check("inputs", () => checkValues("input", known.inputs))) &&
		(await check("outputs", () => checkValues("output", known.outputs))) &&
		(await check("external data", () => checkExternalData(known, modelPath, root))) &&
		(await check("session", async () => {
			model = await loadModel(modelPath);
			return `loaded on ${model.provider}`;
		}));
	if (!sound || !model) return model;
	const loaded: LoadedModel = model;
	if (goldenPath === "") {
		await check("run", () => runOnZeros(loaded));
	} else {
		await check("golden", async () => {
			checkSize(goldenPath, MAX_GOLDEN_BYTES, "the golden file");
			const golden = parseGolden(readFileSync(goldenPath, "utf8"));
			return compareOutputs(golden, await loaded.run(golden.inputs, []));
		});
	}
	return model;
};

volunteerForOom();
const model = await validate();
say({
	kind: "done",
	runtime: runtimeName(),
	provider: model?.provider ?? "",
	loadMs: model?.loadMs ?? 0,
	peakRssBytes: process.resourceUsage().maxRSS * 1024,
});
agent.leave(0);
