/** A small client of the V2 inference protocol over HTTP: binary tensors by default, connections kept alive. */

import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { type ErrorCode, errorTable, RunmeshError } from "../errors.ts";
import { isDatatype } from "./datatype.ts";
import { tensorDataToJson, tensorFromJson } from "./json.ts";
import { headerLengthName, splitMessage } from "./message.ts";
import { decodeTensor, encodeTensor, type Tensor } from "./tensor.ts";

export interface InferCall {
	/** http://host:port */
	endpoint: string;
	token: string;
	model: string;
	/** The newest that serves where left out. */
	version?: number;
	inputs: Record<string, Tensor>;
	/** All where left out. */
	outputs?: string[];
	/** Echoed in the answer. */
	id?: string;
	/** false sends and asks for JSON tensors. */
	binary?: boolean;
	timeoutMs?: number;
	signal?: AbortSignal;
}

export interface InferAnswer {
	model: string;
	version: string;
	id: string | null;
	outputs: Record<string, Tensor>;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 1024 ** 3;
const MAX_JOINED_BYTES = 1024 ** 2;

const keepAlive = new Agent({ keepAlive: true });

interface Exchange {
	status: number;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

const post = (call: InferCall, headers: Record<string, string>, parts: Uint8Array[]): Promise<Exchange> => {
	const version = call.version === undefined ? "" : `/versions/${call.version}`;
	const url = new URL(`/v2/models/${encodeURIComponent(call.model)}${version}/infer`, call.endpoint);
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	const timeout = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
	return new Promise((resolve, reject) => {
		const fail = (cause: Error): void =>
			reject(
				new RunmeshError("RM_UNAVAILABLE", `no answer from ${call.endpoint}: ${cause.message}`, {
					hint: "does the agent run, and does it serve the model? `runmesh deployments ls` shows where",
					cause,
				}),
			);
		const sent = request(url, {
			method: "POST",
			agent: keepAlive,
			signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
			headers: { ...headers, "content-length": length, authorization: `Bearer ${call.token}` },
		});
		sent.on("error", fail);
		sent.on("response", (answer) => {
			const chunks: Buffer[] = [];
			let received = 0;
			answer.on("error", fail);
			answer.on("data", (chunk: Buffer) => {
				received += chunk.length;
				if (received > MAX_ANSWER_BYTES) answer.destroy(new Error(`an answer over ${MAX_ANSWER_BYTES} bytes`));
				else chunks.push(chunk);
			});
			answer.on("end", () =>
				resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
			);
		});
		// One write for a small body: each is a system call and a packet.
		if (length <= MAX_JOINED_BYTES) sent.end(Buffer.concat(parts));
		else {
			for (const part of parts) sent.write(part);
			sent.end();
		}
	});
};

const codeOf = (status: number): ErrorCode => {
	const known = { 400: "RM_BAD_INPUT", 401: "RM_UNAUTHENTICATED", 404: "RM_NOT_FOUND", 413: "RM_TOO_LARGE" } as const;
	return known[status as keyof typeof known] ?? "RM_UNAVAILABLE";
};

const errorOf = ({ status, body }: Exchange, endpoint: string): RunmeshError => {
	let message = `status ${status}`;
	try {
		const { error } = JSON.parse(body.toString("utf8")) as { error?: unknown };
		if (typeof error === "string") message = error;
	} catch {
		// Not from a V2 server: the status has to do.
	}
	const code = codeOf(status);
	return new RunmeshError(code, `${endpoint}: ${message}`, {
		details: { status, retryable: errorTable[code].retryable },
	});
};

const header = (
	call: InferCall,
	binary: boolean,
	encoded: [name: string, tensor: Tensor, bytes: Uint8Array][],
): Buffer => {
	const inputs = encoded.map(([name, { datatype, shape }, bytes]) =>
		JSON.stringify({ name, datatype, shape, ...(binary && { parameters: { binary_data_size: bytes.length } }) }),
	);
	// JSON data is text already (64-bit integers have no JSON number of ours), so it is spliced in.
	const full = binary
		? inputs
		: encoded.map(([name, given], index) => `${inputs[index]?.slice(0, -1)},"data":${tensorDataToJson(given, name)}}`);
	const outputs = call.outputs && `"outputs":${JSON.stringify(call.outputs.map((name) => ({ name })))},`;
	const id = call.id === undefined ? "" : `"id":${JSON.stringify(call.id)},`;
	return Buffer.from(
		`{${id}${outputs ?? ""}"parameters":{"binary_data_output":${binary}},"inputs":[${full.join(",")}]}`,
	);
};

const readAnswer = ({ headers, body }: Exchange): InferAnswer => {
	const { json, binary } = splitMessage(body, headers[headerLengthName] as string | undefined, MAX_ANSWER_BYTES);
	const outputs: Record<string, Tensor> = {};
	let at = 0;
	for (const output of (Array.isArray(json.outputs) ? json.outputs : []) as Record<string, unknown>[]) {
		const { name, datatype, shape } = output;
		const where = `output \`${name}\``;
		if (typeof name !== "string" || !isDatatype(datatype) || !Array.isArray(shape)) {
			throw new RunmeshError("RM_BAD_INPUT", `the answer's ${where} has no name, datatype or shape`);
		}
		const size = (output.parameters as { binary_data_size?: unknown } | undefined)?.binary_data_size;
		if (typeof size === "number") {
			outputs[name] = decodeTensor(datatype, shape, binary.subarray(at, at + size), where);
			at += size;
		} else {
			outputs[name] = tensorFromJson(datatype, shape, output.data, where);
		}
	}
	return {
		model: String(json.model_name),
		version: String(json.model_version),
		id: typeof json.id === "string" ? json.id : null,
		outputs,
	};
};

/** One inference. Throws RunmeshError with the server's own words. */
export const inferHttp = async (call: InferCall): Promise<InferAnswer> => {
	const binary = call.binary ?? true;
	const encoded = Object.entries(call.inputs).map(([name, given]): [string, Tensor, Uint8Array] => [
		name,
		given,
		binary ? encodeTensor(given) : new Uint8Array(),
	]);
	const json = header(call, binary, encoded);
	const headers: Record<string, string> = binary
		? { "content-type": "application/octet-stream", [headerLengthName]: String(json.length) }
		: { "content-type": "application/json" };
	const exchange = await post(call, headers, [json, ...encoded.map(([, , bytes]) => bytes)]);
	if (exchange.status !== 200) throw errorOf(exchange, call.endpoint);
	return readAnswer(exchange);
};
