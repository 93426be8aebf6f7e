/** A trained network as an ONNX model, which any runtime can serve: Gemm, Relu, Gemm, Softmax, and ArgMax beside it. */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { CLASSES, PIXELS } from "./dataset.mjs";

/** @import { Layer, Network } from "./mlp.mjs" */

// `require`, for it looks in NODE_PATH too: there an agent offers the packages that come with runmesh.
const require = createRequire(import.meta.url);
/** @type {typeof import("protobufjs")} */
const protobuf = require("protobufjs");

const onnx = protobuf.loadSync(fileURLToPath(new URL("onnx.proto", import.meta.url)));
const Model = onnx.lookupType("onnx.Model");

const IR_VERSION = 8;
const OPERATOR_SET = 13;

/**
 * @param {string} name
 * @param {Float32Array} values
 * @param {number[]} dims
 */
const tensor = (name, values, dims) => {
	const bytes = new DataView(new ArrayBuffer(values.byteLength));
	values.forEach((value, index) => {
		bytes.setFloat32(index * 4, value, true);
	});
	return { name, dims, dataType: "FLOAT", rawData: new Uint8Array(bytes.buffer) };
};

/**
 * A layer's weights, under the names its node asks for.
 * @param {string} name
 * @param {Layer} layer
 */
const layerTensors = (name, { weights, bias, inputs, outputs }) => [
	tensor(`${name}.weights`, weights, [inputs, outputs]),
	tensor(`${name}.bias`, bias, [outputs]),
];

/**
 * @param {string} name
 * @param {string} elemType
 * @param {(string | number)[]} shape a word is a size that each request chooses
 */
const value = (name, elemType, shape) => ({
	name,
	type: {
		tensorType: {
			elemType,
			shape: { dim: shape.map((size) => (typeof size === "string" ? { dimParam: size } : { dimValue: size })) },
		},
	},
});

/**
 * @param {string} opType
 * @param {string[]} input
 * @param {string} output
 * @param {Record<string, number>} [attributes]
 */
const node = (opType, input, output, attributes = {}) => ({
	opType,
	name: output,
	input,
	output: [output],
	attribute: Object.entries(attributes).map(([name, i]) => ({ name, i, type: "INT" })),
});

/**
 * The bytes of a .onnx file: `pixels` [batch, 64] in, `probabilities` [batch, 10] and `digit` [batch] out.
 * @param {Network} network
 * @param {Record<string, string>} metadata said of the model in the file
 */
export const encodeOnnx = ({ hidden, output }, metadata) =>
	Model.encode(
		Model.fromObject({
			irVersion: IR_VERSION,
			producerName: "runmesh digits example",
			opsetImport: [{ domain: "", version: OPERATOR_SET }],
			metadataProps: Object.entries(metadata).map(([key, text]) => ({ key, value: text })),
			graph: {
				name: "digits",
				node: [
					node("Gemm", ["pixels", "hidden.weights", "hidden.bias"], "hidden"),
					node("Relu", ["hidden"], "activations"),
					node("Gemm", ["activations", "output.weights", "output.bias"], "scores"),
					node("Softmax", ["scores"], "probabilities", { axis: 1 }),
					node("ArgMax", ["probabilities"], "digit", { axis: 1, keepdims: 0 }),
				],
				initializer: [...layerTensors("hidden", hidden), ...layerTensors("output", output)],
				input: [value("pixels", "FLOAT", ["batch", PIXELS])],
				output: [value("probabilities", "FLOAT", ["batch", CLASSES]), value("digit", "INT64", ["batch"])],
			},
		}),
	).finish();
