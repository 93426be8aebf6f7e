/** What an ONNX file says about itself, read without its weights and without any runtime. */

import { RunmeshError } from "../errors.ts";
import { elementTypeName } from "./element-type.ts";
import { modelType } from "./schema.ts";

export interface ValueInfo {
	name: string;
	kind: "tensor" | "sparse tensor" | "sequence" | "map" | "optional" | "unknown";
	/** "float32", "bfloat16", …; "" where the value is no tensor. */
	elementType: string;
	/** A length, the name of one that varies, or "" for one that varies and has no name; null for an unknown rank. */
	shape: (number | string)[] | null;
}

export interface ExternalData {
	tensor: string;
	/** As written: relative to the model's folder, from a stranger. */
	location: string;
	/** null where the file does not say, or says no number. */
	offset: number | null;
	length: number | null;
}

export interface ModelHeader {
	irVersion: number;
	producer: { name: string; version: string };
	/** The standard operator set's domain is "". */
	opsets: { domain: string; version: number }[];
	/** Wanted from the caller: inputs that have an initializer are left out. */
	inputs: ValueInfo[];
	outputs: ValueInfo[];
	/** Operators used anywhere in the model, each once, with the number of nodes. */
	operators: { domain: string; name: string; count: number }[];
	/** Operators the model defines itself. */
	functions: { domain: string; name: string }[];
	externalData: ExternalData[];
}

interface Tensor {
	name: string;
	dataLocation: number;
	externalData: { key: string; value: string }[];
}
interface SparseTensor {
	values: Tensor | null;
	indices: Tensor | null;
}
interface Attribute {
	t: Tensor | null;
	g: Graph | null;
	tensors: Tensor[];
	graphs: Graph[];
	sparseTensor: SparseTensor | null;
	sparseTensors: SparseTensor[];
}
interface Node {
	opType: string;
	domain: string;
	attribute: Attribute[];
}
interface Shape {
	dim: { value?: "dimValue" | "dimParam"; dimValue?: number | { toNumber(): number }; dimParam?: string }[];
}
interface Value {
	name: string;
	type: {
		value?: "tensorType" | "sequenceType" | "mapType" | "sparseTensorType" | "optionalType";
		tensorType?: { elemType: number; shape: Shape | null };
		sparseTensorType?: { elemType: number; shape: Shape | null };
	} | null;
}
interface Graph {
	node: Node[];
	initializer: Tensor[];
	sparseInitializer: SparseTensor[];
	input: Value[];
	output: Value[];
}
interface Model {
	irVersion: unknown;
	producerName: string;
	producerVersion: string;
	graph: Graph | null;
	opsetImport: { domain: string; version: unknown }[];
	functions: { name: string; domain: string; node: Node[] }[];
}

const EXTERNAL = 1;

const kinds = {
	tensorType: "tensor",
	sparseTensorType: "sparse tensor",
	sequenceType: "sequence",
	mapType: "map",
	optionalType: "optional",
} as const;

const toDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

const toValueInfo = ({ name, type }: Value): ValueInfo => {
	const tensor = type?.tensorType ?? type?.sparseTensorType;
	const shape = tensor?.shape?.dim.map((dim) => {
		if (dim.value === "dimParam") return dim.dimParam ?? "";
		const length = dim.value === "dimValue" ? Number(dim.dimValue) : -1;
		return length < 0 ? "" : length;
	});
	return {
		name,
		kind: type?.value ? kinds[type.value] : "unknown",
		elementType: tensor ? elementTypeName(tensor.elemType) : "",
		shape: shape ?? null,
	};
};

const toExternalData = (tensor: Tensor): ExternalData => {
	const entry = (key: string): string | undefined => tensor.externalData.find((pair) => pair.key === key)?.value;
	const number = (text: string | undefined): number | null =>
		text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
	return {
		tensor: tensor.name,
		location: entry("location") ?? "",
		offset: number(entry("offset")),
		length: number(entry("length")),
	};
};

const decode = (bytes: Uint8Array): Model => {
	try {
		return modelType().decode(bytes) as unknown as Model;
	} catch (cause) {
		throw new RunmeshError("RM_MODEL_INVALID", `no ONNX model: ${(cause as Error).message}`, {
			hint: "an .onnx file is wanted; was it cut short, or is it another format?",
			cause,
		});
	}
};

/** Throws RM_MODEL_INVALID for bytes that are no ONNX model. */
export const readModelHeader = (bytes: Uint8Array): ModelHeader => {
	const model = decode(bytes);
	const graph = model.graph;
	if (!graph) {
		throw new RunmeshError("RM_MODEL_INVALID", `no ONNX model: ${bytes.length} bytes without a graph`, {
			hint: "an .onnx file is wanted; was it cut short, or is it another format?",
		});
	}
	const operators = new Map<string, { domain: string; name: string; count: number }>();
	const externalData: ExternalData[] = [];

	const visitTensor = (tensor: Tensor | null): void => {
		if (tensor?.dataLocation === EXTERNAL) externalData.push(toExternalData(tensor));
	};
	const visitSparse = (sparse: SparseTensor | null): void => {
		visitTensor(sparse?.values ?? null);
		visitTensor(sparse?.indices ?? null);
	};
	// A list of what is left, not recursion: the depth of nested graphs is the file's to choose.
	const nodes: Node[] = [];
	const openGraph = (inner: Graph): void => {
		for (const tensor of inner.initializer) visitTensor(tensor);
		for (const sparse of inner.sparseInitializer) visitSparse(sparse);
		for (const node of inner.node) nodes.push(node);
	};
	openGraph(graph);
	for (const local of model.functions) for (const node of local.node) nodes.push(node);
	for (let node = nodes.pop(); node; node = nodes.pop()) {
		const domain = toDomain(node.domain);
		const key = `${domain}:${node.opType}`;
		const known = operators.get(key);
		if (known) known.count++;
		else operators.set(key, { domain, name: node.opType, count: 1 });
		for (const attribute of node.attribute) {
			visitTensor(attribute.t);
			for (const tensor of attribute.tensors) visitTensor(tensor);
			visitSparse(attribute.sparseTensor);
			for (const sparse of attribute.sparseTensors) visitSparse(sparse);
			if (attribute.g) openGraph(attribute.g);
			for (const inner of attribute.graphs) openGraph(inner);
		}
	}

	const initialized = new Set([
		...graph.initializer.map((tensor) => tensor.name),
		...graph.sparseInitializer.map((sparse) => sparse.values?.name),
	]);
	return {
		irVersion: Number(model.irVersion),
		producer: { name: model.producerName, version: model.producerVersion },
		opsets: model.opsetImport.map(({ domain, version }) => ({ domain: toDomain(domain), version: Number(version) })),
		inputs: graph.input.filter(({ name }) => !initialized.has(name)).map(toValueInfo),
		outputs: graph.output.map(toValueInfo),
		operators: [...operators.values()].sort((a, b) => (`${a.domain}:${a.name}` < `${b.domain}:${b.name}` ? -1 : 1)),
		functions: model.functions.map(({ domain, name }) => ({ domain: toDomain(domain), name })),
		externalData,
	};
};
