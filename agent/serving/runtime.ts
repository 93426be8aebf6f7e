/** onnxruntime-node, in a model's own process only: its calls block, and a bad model can end the process. */

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { InferenceSession, Tensor } from "onnxruntime-node";
import type { Datatype } from "#shared/inference/datatype.ts";
import { decodeTensor, encodeTensor } from "#shared/inference/tensor.ts";
import type { ModelSignature, TensorSpec, WireTensor } from "./model.ts";

export interface LoadedModel extends ModelSignature {
	/** The execution provider asked for and given. */
	provider: string;
	loadMs: number;
	/** Outputs in the order asked for; all where none is named. */
	run(inputs: WireTensor[], outputs: string[]): Promise<WireTensor[]>;
}

const PROVIDER = "cpu";

const toDatatype = {
	float32: "FP32",
	float64: "FP64",
	float16: "FP16",
	int8: "INT8",
	int16: "INT16",
	int32: "INT32",
	int64: "INT64",
	uint8: "UINT8",
	uint16: "UINT16",
	uint32: "UINT32",
	uint64: "UINT64",
	bool: "BOOL",
	string: "BYTES",
} as const satisfies Record<string, Datatype>;

type ElementType = keyof typeof toDatatype;

const toElementType = Object.fromEntries(
	Object.entries(toDatatype).map(([type, datatype]) => [datatype, type]),
) as Record<Datatype, ElementType>;

/** The V2 datatype of an ONNX element type; undefined for one that this runtime can't be fed. */
export const datatypeOf = (elementType: string): Datatype | undefined =>
	Object.hasOwn(toDatatype, elementType) ? toDatatype[elementType as ElementType] : undefined;

const require = createRequire(import.meta.url);

/** When memory runs out on the machine, the kernel ends this process rather than the agent. */
export const volunteerForOom = (): void => {
	try {
		writeFileSync("/proc/self/oom_score_adj", "1000");
	} catch {
		// Linux alone has it.
	}
};

const loadRuntime = (): typeof import("onnxruntime-node") => {
	process.env.ORT_DISABLE_TELEMETRY = "1";
	// With a global Float16Array the runtime takes halves in that array, and its native side then miscounts their bytes.
	Reflect.deleteProperty(globalThis, "Float16Array");
	return require("onnxruntime-node");
};

/** With its version: what a validation was made with. */
export const runtimeName = (): string => {
	const { name, version } = require("onnxruntime-node/package.json") as { name: string; version: string };
	return `${name} ${version}`;
};

const toSpec = (value: InferenceSession.ValueMetadata): TensorSpec => {
	const datatype = value.isTensor ? datatypeOf(value.type) : undefined;
	if (!value.isTensor || !datatype) throw new Error(`\`${value.name}\` is no tensor this runtime can be fed`);
	return {
		name: value.name,
		datatype,
		shape: value.shape.map((length) => (typeof length === "number" ? length : -1)),
	};
};

/** The runtime's array on the very bytes, halves as their bits; texts are read out. */
const toRuntimeData = ({ name, datatype, shape, bytes }: WireTensor): unknown =>
	decodeTensor(datatype === "FP16" ? "UINT16" : datatype, shape, bytes, name).data;

const fromRuntimeData = (name: string, tensor: Tensor): WireTensor => {
	const datatype = datatypeOf(tensor.type);
	if (!datatype) throw new Error(`output \`${name}\` came out as ${tensor.type}`);
	const shape = [...tensor.dims];
	if (datatype === "BYTES") {
		return { name, datatype, shape, bytes: encodeTensor({ datatype, shape, data: tensor.data as string[] }) };
	}
	const data = tensor.data as Uint8Array;
	return { name, datatype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
};

/** Throws what the runtime throws. */
export const loadModel = async (path: string): Promise<LoadedModel> => {
	const ort = loadRuntime();
	const startedMs = performance.now();
	const session = await ort.InferenceSession.create(path, {
		executionProviders: [PROVIDER],
		logSeverityLevel: 3,
		// Threads that wait by spinning would burn the box between requests.
		extra: { session: { intra_op: { allow_spinning: "0" }, inter_op: { allow_spinning: "0" } } },
	});
	const loadMs = performance.now() - startedMs;
	const outputs = session.outputMetadata.map(toSpec);
	return {
		provider: PROVIDER,
		loadMs,
		inputs: session.inputMetadata.map(toSpec),
		outputs,
		run: async (given, wanted) => {
			const feeds: Record<string, Tensor> = {};
			for (const input of given) {
				feeds[input.name] = new ort.Tensor(
					toElementType[input.datatype] as "float32",
					toRuntimeData(input) as Float32Array,
					input.shape,
				);
			}
			const names = wanted.length > 0 ? wanted : outputs.map(({ name }) => name);
			const results = await session.run(feeds, names);
			return names.map((name) => fromRuntimeData(name, results[name] as Tensor));
		},
	};
};
