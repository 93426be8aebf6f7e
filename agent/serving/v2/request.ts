/** A V2 inference request, checked against the model's signature: what passes here is safe to give to the runtime. */

import { RunmeshError } from "#shared/errors.ts";
import { type Datatype, isDatatype } from "#shared/inference/datatype.ts";
import { tensorFromJson } from "#shared/inference/json.ts";
import type { MessageParts } from "#shared/inference/message.ts";
import {
	checkByteCount,
	elementCount,
	encodeTensor,
	splitBytesElements,
	type Tensor,
} from "#shared/inference/tensor.ts";
import type { ModelSignature, TensorSpec, WireTensor } from "../model.ts";

export interface WantedOutput {
	name: string;
	binary: boolean;
}

export interface ParsedRequest {
	id: string | null;
	inputs: WireTensor[];
	/** In the order asked for; all of the model's where the request names none. */
	outputs: WantedOutput[];
}

type Json = Record<string, unknown>;

const MAX_RANK = 32;
const MAX_ID_LENGTH = 1_000;
/** Extensions that change what a tensor means: to pass over them would answer another question. */
const REFUSED_PARAMETERS = ["classification", "shared_memory_region"];

const bad = (message: string): RunmeshError => new RunmeshError("RM_BAD_INPUT", message);

const isJson = (value: unknown): value is Json => value !== null && typeof value === "object" && !Array.isArray(value);

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 80);

const named = (specs: TensorSpec[]): string => specs.map(({ name }) => `\`${name}\``).join(", ") || "none";

const readParameters = (value: unknown, where: string): Json => {
	if (value === undefined) return {};
	if (!isJson(value)) throw bad(`${where}: parameters is ${shown(value)}, expected an object`);
	const refused = REFUSED_PARAMETERS.find((name) => value[name] !== undefined);
	if (refused) throw bad(`${where}: the parameter ${refused} is not offered here`);
	return value;
};

const readFlag = (parameters: Json, name: string, fallback: boolean, where: string): boolean => {
	const value = parameters[name] ?? fallback;
	if (typeof value !== "boolean") throw bad(`${where}: ${name} is ${shown(value)}, expected true or false`);
	return value;
};

const checkShape = (given: unknown, spec: TensorSpec, where: string): number[] => {
	if (!Array.isArray(given) || given.length > MAX_RANK) {
		throw bad(`${where}: shape is ${shown(given)}, expected a list of at most ${MAX_RANK} lengths`);
	}
	const shape = given as number[];
	elementCount(shape, where);
	const fits =
		spec.shape === null ||
		(spec.shape.length === shape.length && spec.shape.every((length, axis) => length < 0 || length === shape[axis]));
	if (!fits)
		throw bad(
			`${where}: shape [${shape}], expected [${spec.shape}]${spec.shape?.includes(-1) ? " (-1 is any length)" : ""}`,
		);
	return shape;
};

/** The runtime cuts texts at NUL and garbles what is not UTF-8. */
const checkTexts = (bytes: Uint8Array, count: number, where: string): void => {
	const decoder = new TextDecoder("utf-8", { fatal: true });
	for (const [index, element] of splitBytesElements(bytes, count, where).entries()) {
		if (element.includes(0)) throw bad(`${where}: element ${index} holds a NUL, which the runtime can't take`);
		try {
			decoder.decode(element);
		} catch {
			throw bad(`${where}: element ${index} is not UTF-8, which is all the runtime takes`);
		}
	}
};

/** Deals out the bytes behind the JSON, in the order of the inputs. */
class BinaryPart {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	take(size: unknown, where: string): Uint8Array {
		if (!Number.isSafeInteger(size) || (size as number) < 0) {
			throw bad(`${where}: binary_data_size is ${shown(size)}, expected a number of bytes`);
		}
		const left = this.#bytes.length - this.#at;
		if ((size as number) > left)
			throw bad(`${where}: binary_data_size is ${size}, and ${left} bytes are left in the body`);
		const taken = this.#bytes.subarray(this.#at, this.#at + (size as number));
		this.#at += size as number;
		return taken;
	}

	finish(): void {
		const left = this.#bytes.length - this.#at;
		if (left > 0) throw bad(`${left} bytes are left in the body after the last input`);
	}
}

const readBytes = (input: Json, datatype: Datatype, shape: number[], binary: BinaryPart, where: string): Uint8Array => {
	const { binary_data_size: size } = readParameters(input.parameters, where);
	let bytes: Uint8Array;
	if (size === undefined) {
		if (input.data === undefined) throw bad(`${where}: neither data nor parameters.binary_data_size is given`);
		bytes = encodeTensor(tensorFromJson(datatype, shape, input.data, where) as Tensor);
	} else {
		if (input.data !== undefined) throw bad(`${where}: both data and binary_data_size are given`);
		bytes = binary.take(size, where);
		checkByteCount(datatype, shape, bytes.length, where);
	}
	if (datatype === "BYTES") checkTexts(bytes, elementCount(shape, where), where);
	return bytes;
};

const readInputs = (json: unknown, binary: BinaryPart, specs: TensorSpec[]): WireTensor[] => {
	if (!Array.isArray(json)) throw bad(`inputs is ${shown(json)}, expected a list with ${named(specs)}`);
	const seen = new Set<string>();
	const inputs = json.map((input: unknown, index): WireTensor => {
		if (!isJson(input) || typeof input.name !== "string") throw bad(`inputs[${index}] has no name`);
		const { name, datatype } = input;
		const where = `input \`${name.slice(0, 80)}\``;
		const spec = specs.find((candidate) => candidate.name === name);
		if (!spec) throw bad(`${where} is unknown, expected ${named(specs)}`);
		if (seen.has(name)) throw bad(`${where} is given twice`);
		seen.add(name);
		if (!isDatatype(datatype)) throw bad(`${where}: datatype is ${shown(datatype)}, expected ${spec.datatype}`);
		if (datatype !== spec.datatype) throw bad(`${where}: datatype is ${datatype}, expected ${spec.datatype}`);
		const shape = checkShape(input.shape, spec, where);
		return { name, datatype, shape, bytes: readBytes(input, datatype, shape, binary, where) };
	});
	binary.finish();
	const missing = specs.filter(({ name }) => !seen.has(name));
	if (missing.length > 0) throw bad(`missing inputs: ${named(missing)}`);
	return inputs;
};

const readOutputs = (json: unknown, specs: TensorSpec[], byDefault: boolean): WantedOutput[] => {
	if (json === undefined) return specs.map(({ name }) => ({ name, binary: byDefault }));
	if (!Array.isArray(json) || json.length === 0)
		throw bad(`outputs is ${shown(json)}, expected a list with some of ${named(specs)}`);
	const seen = new Set<string>();
	return json.map((output: unknown, index) => {
		if (!isJson(output) || typeof output.name !== "string") throw bad(`outputs[${index}] has no name`);
		const { name } = output;
		const where = `output \`${name.slice(0, 80)}\``;
		if (!specs.some((spec) => spec.name === name)) throw bad(`${where} is unknown, expected some of ${named(specs)}`);
		if (seen.has(name)) throw bad(`${where} is asked for twice`);
		seen.add(name);
		return { name, binary: readFlag(readParameters(output.parameters, where), "binary_data", byDefault, where) };
	});
};

/** Throws RM_BAD_INPUT that says what is wrong, where, and what was expected. */
export const readRequest = ({ json, binary }: MessageParts, signature: ModelSignature): ParsedRequest => {
	const { id } = json;
	if (id !== undefined && (typeof id !== "string" || id.length > MAX_ID_LENGTH)) {
		throw bad(`id is ${shown(id)}, expected a text of at most ${MAX_ID_LENGTH} characters`);
	}
	const parameters = readParameters(json.parameters, "the request");
	const byDefault = readFlag(parameters, "binary_data_output", false, "the request");
	return {
		id: id ?? null,
		inputs: readInputs(json.inputs, new BinaryPart(binary), signature.inputs),
		outputs: readOutputs(json.outputs, signature.outputs, byDefault),
	};
};
