/** A V2 inference response: JSON, or JSON and then the bytes of the outputs that were asked for in binary. */

import { tensorDataToJson } from "#shared/inference/json.ts";
import { decodeTensor } from "#shared/inference/tensor.ts";
import type { WireTensor } from "../model.ts";
import type { ParsedRequest, WantedOutput } from "./request.ts";

export interface ResponseBody {
	body: Buffer;
	/** Length of the JSON where bytes follow; null where all is JSON. */
	jsonLength: number | null;
}

/** Put together as text: numbers of 64 bits have more digits than JSON.stringify would keep. */
const describe = ({ name, datatype, shape, bytes }: WireTensor, { binary }: WantedOutput): string => {
	const head = JSON.stringify({
		name,
		datatype,
		shape,
		...(binary && { parameters: { binary_data_size: bytes.length } }),
	});
	if (binary) return head;
	const where = `output \`${name}\``;
	return `${head.slice(0, -1)},"data":${tensorDataToJson(decodeTensor(datatype, shape, bytes, where), where)}}`;
};

/** `outputs` are in the order of the request's. */
export const writeResponse = (
	model: { model: string; version: number },
	request: ParsedRequest,
	outputs: WireTensor[],
): ResponseBody => {
	const described = outputs.map((output, index) => describe(output, request.outputs[index] as WantedOutput));
	const id = request.id === null ? "" : `,"id":${JSON.stringify(request.id)}`;
	const head = `"model_name":${JSON.stringify(model.model)},"model_version":"${model.version}"${id}`;
	const json = Buffer.from(`{${head},"outputs":[${described.join(",")}]}`);
	const binary = outputs.filter((_, index) => request.outputs[index]?.binary).map(({ bytes }) => bytes);
	if (!request.outputs.some((output) => output.binary)) return { body: json, jsonLength: null };
	return { body: Buffer.concat([json, ...binary]), jsonLength: json.length };
};
