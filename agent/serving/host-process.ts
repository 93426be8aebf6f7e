/** The agent's handle on one model's process (host.ts), from its start to its end. */

import { RunmeshError } from "#shared/errors.ts";
import { isDatatype } from "#shared/inference/datatype.ts";
import { checkByteCount } from "#shared/inference/tensor.ts";
import { type Frame, layOut } from "./frames.ts";
import type { HostMessage, InferMessage } from "./host.ts";
import { type ModelSignature, type TensorHeader, toHeader, type WireTensor } from "./model.ts";
import { startModelProcess } from "./model-process.ts";

export interface HostOptions {
	modelPath: string;
	/** Its inputs warm the model up; null warms up with zeros. */
	goldenPath: string | null;
	memoryBytes: number;
	startMs: number;
	/** A run's end: outputs, or what the runtime said. */
	onAnswer: (id: number, answer: WireTensor[] | Error) => void;
	/** After a start that went well; says how the process ended. */
	onEnd: (how: string) => void;
	signal: AbortSignal;
}

export interface HostProcess {
	readonly pid: number;
	readonly signature: ModelSignature;
	run(id: number, inputs: WireTensor[], outputs: string[]): void;
	/** `reason` tells people why. */
	kill(reason: string): void;
	/** Lets it leave by itself; resolves when it is gone. */
	end(): Promise<void>;
}

/** A process that a model may have damaged: what it says must add up before a client gets it. */
const readTensors = (headers: TensorHeader[], body: Uint8Array): WireTensor[] => {
	const parts = layOut(
		body,
		headers.map(({ length }) => length),
	);
	return headers.map(({ name, datatype, shape }, index) => {
		const bytes = parts[index] as Uint8Array;
		if (typeof name !== "string" || !isDatatype(datatype) || !Array.isArray(shape)) {
			throw new Error("a tensor without name, datatype or shape");
		}
		checkByteCount(datatype, shape, bytes.length, `output \`${name}\``);
		return { name, datatype, shape, bytes };
	});
};

/** Resolves once the model is loaded and warm. Rejects with RM_MODEL_INVALID where its process ends before. */
export const startHost = (options: HostOptions): Promise<HostProcess> => {
	const { modelPath, goldenPath, memoryBytes, startMs, onAnswer, onEnd, signal } = options;
	if (signal.aborted) return Promise.reject(signal.reason);
	return new Promise((resolve, reject) => {
		let ready = false;
		const handle = (signature: ModelSignature): HostProcess => ({
			pid: child.pid,
			signature,
			run: (id, inputs, outputs) => {
				const message: InferMessage = { kind: "infer", id, inputs: inputs.map(toHeader), outputs };
				child.send(
					message,
					inputs.map(({ bytes }) => bytes),
				);
			},
			kill: (reason) => child.kill(reason),
			end: async () => {
				child.close();
				await child.ended;
			},
		});
		const onFrame = ({ header, body }: Frame): void => {
			const message = header as unknown as HostMessage;
			if (message.kind === "ready") {
				settle();
				ready = true;
				resolve(handle(message.signature));
			} else if (message.kind === "result") onAnswer(message.id, readTensors(message.outputs, body));
			else if (message.kind === "refused") onAnswer(message.id, new Error(String(message.message)));
		};
		const args = [modelPath, goldenPath ?? ""];
		const child = startModelProcess({ entry: new URL("host.ts", import.meta.url), args, memoryBytes, onFrame });
		const late = setTimeout(() => child.kill(`was not ready within ${startMs / 1000} s`), startMs);
		const abort = (): void => child.kill("is wanted no more");
		const settle = (): void => {
			clearTimeout(late);
			signal.removeEventListener("abort", abort);
		};
		signal.addEventListener("abort", abort, { once: true });
		void child.ended.then((how) => {
			settle();
			if (ready) onEnd(how);
			else if (signal.aborted) reject(signal.reason);
			else reject(new RunmeshError("RM_MODEL_INVALID", `the model could not be loaded: its process ${how}`));
		});
	});
};
