/** proto/onnx/onnx.proto, loaded on first use: only the children that look into models pay for it. */

import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

let loaded: protobuf.Type | null = null;

export const modelType = (): protobuf.Type => {
	loaded ??= protobuf
		.loadSync(fileURLToPath(new URL("../../proto/onnx/onnx.proto", import.meta.url)))
		.lookupType("onnx.ModelProto");
	return loaded;
};
