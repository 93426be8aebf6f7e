/**
 * The process that serves one model: host.ts <model> <golden or "">. Loads, warms up, says what the model takes and
 * gives, then answers one request after the other: a run blocks the process, so there is nothing to do at once.
 */

import { readFileSync } from "node:fs";
import { layOut } from "./frames.ts";
import { type ModelSignature, type TensorHeader, toHeader, type WireTensor } from "./model.ts";
import { linkToParent } from "./parent-link.ts";
import { type LoadedModel, loadModel, volunteerForOom } from "./runtime.ts";
import { parseGolden } from "./validation/golden.ts";
import { zeroInputs } from "./warm-up.ts";

export interface InferMessage {
	kind: "infer";
	id: number;
	inputs: TensorHeader[];
	/** All where empty. */
	outputs: string[];
}

export type HostMessage =
	| { kind: "ready"; signature: ModelSignature; provider: string; loadMs: number }
	| { kind: "result"; id: number; outputs: TensorHeader[] }
	/** The run itself failed; the model serves on. */
	| { kind: "refused"; id: number; message: string };

const [modelPath = "", goldenPath = ""] = process.argv.slice(2);

let model: LoadedModel | null = null;
let turn: Promise<void> = Promise.resolve();

const agent = linkToParent(({ header, body }) => {
	const message = header as unknown as InferMessage;
	turn = turn.then(() => answer(message, body));
});
const say = (message: HostMessage, tensors: WireTensor[] = []): void =>
	agent.say(
		message,
		tensors.map(({ bytes }) => bytes),
	);

const answer = async ({ id, inputs, outputs }: InferMessage, body: Uint8Array): Promise<void> => {
	try {
		const parts = layOut(
			body,
			inputs.map(({ length }) => length),
		);
		const given = inputs.map(({ name, datatype, shape }, index) => ({
			name,
			datatype,
			shape,
			bytes: parts[index] as Uint8Array,
		}));
		const results = await (model as LoadedModel).run(given, outputs);
		say({ kind: "result", id, outputs: results.map(toHeader) }, results);
	} catch (error) {
		say({ kind: "refused", id, message: (error as Error).message });
	}
};

/** The first run is slow: memory is laid out. Inputs made up of zeros may not suit the model, which is no fault of it. */
const warmUp = async (loaded: LoadedModel): Promise<void> => {
	const inputs = goldenPath === "" ? zeroInputs(loaded.inputs) : parseGolden(readFileSync(goldenPath, "utf8")).inputs;
	await loaded.run(inputs, []).catch(() => undefined);
};

volunteerForOom();
try {
	model = await loadModel(modelPath);
	await warmUp(model);
	const { inputs, outputs, provider, loadMs } = model;
	say({ kind: "ready", signature: { inputs, outputs }, provider, loadMs });
} catch (error) {
	process.stderr.write(`${(error as Error).message}\n`);
	agent.leave(1);
}
