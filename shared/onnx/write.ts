/** Writes ONNX models: graphs given as plain values become the bytes of an .onnx file. */

import { type ElementType, elementTypeNumber } from "./element-type.ts";
import { modelType } from "./schema.ts";

export interface ValueSpec {
	name: string;
	type: ElementType;
	/** A text names a length that varies. */
	shape: (number | string)[];
}

export interface TensorSpec {
	name: string;
	type: ElementType;
	dims: number[];
	/** The elements, little-endian; or where they lie in another file. */
	data: ArrayBufferView | { location: string; offset?: number; length?: number };
}

export type AttributeSpec =
	| { float: number }
	| { int: number }
	| { string: string }
	| { floats: number[] }
	| { ints: number[] }
	| { tensor: TensorSpec }
	| { graph: GraphSpec };

export interface NodeSpec {
	operator: string;
	/** The standard operator set where left out. */
	domain?: string;
	name?: string;
	inputs: string[];
	outputs: string[];
	attributes?: Record<string, AttributeSpec>;
}

export interface GraphSpec {
	name?: string;
	inputs: ValueSpec[];
	outputs: ValueSpec[];
	initializers?: TensorSpec[];
	nodes: NodeSpec[];
}

export interface ModelSpec extends GraphSpec {
	/** Of the standard operator set. */
	opset?: number;
	/** Further operator sets by domain. */
	opsets?: Record<string, number>;
	irVersion?: number;
	producer?: { name: string; version: string };
}

// Widely read: ONNX 1.10 and later.
const DEFAULT_IR_VERSION = 8;
const DEFAULT_OPSET = 15;
const EXTERNAL = 1;

const attributeTypes = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;

const toTensor = ({ name, type, dims, data }: TensorSpec): object => {
	const tensor = { name, dims, dataType: elementTypeNumber(type) };
	if (ArrayBuffer.isView(data)) {
		return { ...tensor, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
	}
	const externalData = Object.entries(data).map(([key, value]) => ({ key, value: String(value) }));
	return { ...tensor, dataLocation: EXTERNAL, externalData };
};

const toAttribute = (name: string, spec: AttributeSpec): object => {
	const type = attributeTypes[Object.keys(spec)[0] as keyof typeof attributeTypes];
	if ("float" in spec) return { name, type, f: spec.float };
	if ("int" in spec) return { name, type, i: spec.int };
	if ("string" in spec) return { name, type, s: Buffer.from(spec.string) };
	if ("floats" in spec) return { name, type, floats: spec.floats };
	if ("ints" in spec) return { name, type, ints: spec.ints };
	if ("tensor" in spec) return { name, type, t: toTensor(spec.tensor) };
	return { name, type, g: toGraph(spec.graph) };
};

const toValue = ({ name, type, shape }: ValueSpec): object => ({
	name,
	type: {
		tensorType: {
			elemType: elementTypeNumber(type),
			shape: {
				dim: shape.map((length) => (typeof length === "number" ? { dimValue: length } : { dimParam: length })),
			},
		},
	},
});

const toGraph = (spec: GraphSpec): object => ({
	name: spec.name ?? "graph",
	node: spec.nodes.map((node) => ({
		opType: node.operator,
		domain: node.domain ?? "",
		name: node.name ?? "",
		input: node.inputs,
		output: node.outputs,
		attribute: Object.entries(node.attributes ?? {}).map(([name, attribute]) => toAttribute(name, attribute)),
	})),
	initializer: (spec.initializers ?? []).map(toTensor),
	input: spec.inputs.map(toValue),
	output: spec.outputs.map(toValue),
});

export const writeModel = (spec: ModelSpec): Uint8Array => {
	const opsets = { "": spec.opset ?? DEFAULT_OPSET, ...spec.opsets };
	const model = {
		irVersion: spec.irVersion ?? DEFAULT_IR_VERSION,
		producerName: spec.producer?.name ?? "runmesh",
		producerVersion: spec.producer?.version ?? "",
		opsetImport: Object.entries(opsets).map(([domain, version]) => ({ domain, version })),
		graph: toGraph(spec),
	};
	return modelType().encode(modelType().create(model)).finish();
};
