/** A choice of ONNX's own backend tests. Wants Debian's libonnx-testdata, or its data folder in ONNX_TEST_DATA. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal } from "#agent/serving/validation/report.ts";
import { validateModel } from "#agent/serving/validation/validate.ts";
import { datatypes } from "#shared/inference/datatype.ts";
import { tensorDataToJson } from "#shared/inference/json.ts";
import { decodeTensor } from "#shared/inference/tensor.ts";
import { elementTypeName } from "#shared/onnx/element-type.ts";
import { readModelHeader } from "#shared/onnx/header.ts";

const data = process.env.ONNX_TEST_DATA ?? "/usr/share/libonnx-testdata/data";

interface TensorProto {
	dims: unknown[];
	dataType: number;
	name: string;
	rawData: Uint8Array;
}

const datatypeOf = (elementType: string) => {
	const name = elementType.toUpperCase().replace(/^FLOAT/, "FP");
	return datatypes.find((datatype) => datatype === name);
};

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "runmesh-onnx-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!existsSync(data))("ONNX's backend suite (libonnx-testdata)", () => {
	const proto = new URL("../../../proto/onnx/onnx.proto", import.meta.url).pathname;
	const tensorType = protobuf.loadSync(proto).lookupType("onnx.TensorProto");

	const readTensor = (path: string) => {
		const { dims, dataType, rawData } = tensorType.decode(readFileSync(path)) as unknown as TensorProto;
		const datatype = datatypeOf(elementTypeName(dataType));
		if (!datatype) throw new Error(`${path} holds ${elementTypeName(dataType)}`);
		const shape = dims.map(Number);
		return { datatype, shape, data: JSON.parse(tensorDataToJson(decodeTensor(datatype, shape, rawData, path), path)) };
	};

	const readTensors = (set: string, role: "input" | "output", names: string[]) => {
		const files = readdirSync(set)
			.filter((file) => file.startsWith(role))
			.sort();
		return Object.fromEntries(files.map((file, index) => [names[index], readTensor(join(set, file))]));
	};

	const validate = async (name: string, withGolden: boolean) => {
		const root = join(data, name);
		const modelPath = join(root, "model.onnx");
		const goldenPath = withGolden ? join(folder, `${name.replaceAll("/", "-")}.json`) : null;
		if (goldenPath) {
			const { inputs, outputs } = readModelHeader(readFileSync(modelPath));
			const set = join(root, "test_data_set_0");
			const golden = {
				inputs: readTensors(
					set,
					"input",
					inputs.map((value) => value.name),
				),
				outputs: readTensors(
					set,
					"output",
					outputs.map((value) => value.name),
				),
				tolerance: { absolute: 1e-5, relative: 1e-3 },
			};
			await writeFile(goldenPath, JSON.stringify(golden));
		}
		const limits = { timeMs: 60_000, memoryBytes: 1024 ** 3 };
		return validateModel({ modelPath, root, goldenPath, ...limits, nowMs: Date.now });
	};

	it.each([
		"node/test_relu",
		"node/test_matmul_4d",
		"node/test_conv_with_strides_padding",
		"node/test_lstm_with_peepholes",
		"node/test_softmax_large_number",
		"node/test_gather_negative_indices",
		"node/test_cast_FLOAT16_to_DOUBLE",
		"node/test_cast_DOUBLE_to_FLOAT16",
		"node/test_qlinearconv",
		"node/test_and4d",
		"pytorch-converted/test_Conv2d_groups",
		"pytorch-converted/test_Embedding",
		"simple/test_single_relu_model",
	])("%s gives the outputs that came with it", async (name) => {
		const report = await validate(name, true);
		expect(report.ok ? "" : refusal(report)).toBe("");
	});

	it.each([
		["node/test_cast_FLOAT_to_BFLOAT16", /^outputs: output `output` is bfloat16, which this runtime can't/],
		["node/test_cast_BFLOAT16_to_FLOAT", /^inputs: input `input` is bfloat16/],
		[
			"node/test_sequence_insert_at_back",
			/^inputs: input `sequence` is no tensor but of kind sequence, and only tensors/,
		],
		[
			"node/test_optional_get_element",
			/^inputs: input `optional_input` is no tensor but of kind optional, and only tensors/,
		],
		["node/test_adam", /^\w+: ./],
	])("%s is refused with the reason", async (name, expected) => {
		expect(refusal(await validate(name, false))).toMatch(expected);
	});
});
