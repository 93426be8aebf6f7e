/** JSON values to the tensors a model takes, by what the model says of its inputs. */

import { RunmeshError } from "#shared/errors.ts";
import { isDatatype } from "#shared/inference/datatype.ts";
import { tensorFromJson } from "#shared/inference/json.ts";
import type { Tensor } from "#shared/inference/tensor.ts";
import { didYouMean } from "#shared/pipeline/near.ts";

/** As the V2 protocol's metadata has it; -1 is any length. */
export interface InputMetadata {
	name: string;
	datatype: string;
	shape: number[];
}

const shapeOf = (value: unknown): number[] => (Array.isArray(value) ? [value.length, ...shapeOf(value[0])] : []);

const fits = (shape: number[], wanted: number[]): boolean =>
	shape.length === wanted.length && wanted.every((length, axis) => length < 0 || length === shape[axis]);

/** As written where it fits; else the one open dimension is worked out from how many elements there are. */
const resolveShape = (value: unknown[], { name, shape: wanted }: InputMetadata): number[] => {
	const written = shapeOf(value);
	if (fits(written, wanted)) return written;
	const count = written.reduce((product, length) => product * length, 1);
	const known = wanted.reduce((product, length) => (length < 0 ? product : product * length), 1);
	const open = wanted.filter((length) => length < 0).length;
	if (open === 0 && count === known) return wanted;
	if (open === 1 && known > 0 && count % known === 0)
		return wanted.map((length) => (length < 0 ? count / known : length));
	throw new RunmeshError("RM_BAD_INPUT", `input \`${name}\` has shape [${written}], the model takes [${wanted}]`, {
		hint: "write nested lists of the model's shape; -1 is any length",
	});
};

const toTensor = (value: unknown, input: InputMetadata): Tensor => {
	const list = Array.isArray(value) ? value : [value];
	const { name, datatype } = input;
	if (!isDatatype(datatype)) {
		throw new RunmeshError("RM_BAD_INPUT", `input \`${name}\` is of type ${datatype}, which can't be sent from here`);
	}
	return tensorFromJson(datatype, resolveShape(list, input), list.flat(Number.POSITIVE_INFINITY), `input \`${name}\``);
};

export const toTensors = (values: Record<string, unknown>, inputs: InputMetadata[]): Record<string, Tensor> => {
	const names = inputs.map(({ name }) => name);
	const missing = names.filter((name) => !Object.hasOwn(values, name));
	const unknown = Object.keys(values).find((name) => !names.includes(name));
	if (unknown !== undefined) {
		throw new RunmeshError("RM_BAD_INPUT", `the model has no input \`${unknown}\``, {
			hint: didYouMean(unknown, names) || `it has ${names.join(", ")}`,
		});
	}
	if (missing.length > 0) {
		throw new RunmeshError("RM_BAD_INPUT", `the model's input \`${missing.join("`, `")}\` is missing`, {
			hint: `give it with --input ${missing[0]}=[…]`,
		});
	}
	return Object.fromEntries(inputs.map((input) => [input.name, toTensor(values[input.name], input)]));
};
