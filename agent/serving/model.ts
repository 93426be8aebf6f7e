/** What the agent and a model's process say to each other about tensors. */

import type { Datatype } from "#shared/inference/datatype.ts";

export interface TensorSpec {
	name: string;
	datatype: Datatype;
	/** -1 for a length that varies; null for any shape. */
	shape: number[] | null;
}

export interface ModelSignature {
	inputs: TensorSpec[];
	outputs: TensorSpec[];
}

/** A tensor as bytes, in the binary form of the V2 protocol: nothing between the wire and the runtime reads them. */
export interface WireTensor {
	name: string;
	datatype: Datatype;
	shape: number[];
	bytes: Uint8Array;
}

/** What a frame's header says of a tensor whose bytes are in its body. */
export type TensorHeader = Omit<WireTensor, "bytes"> & { length: number };

export const toHeader = ({ name, datatype, shape, bytes }: WireTensor): TensorHeader => ({
	name,
	datatype,
	shape,
	length: bytes.length,
});
