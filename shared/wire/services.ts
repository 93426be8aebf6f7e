/** gRPC service definitions, from the same .proto files, for grpc-js servers and clients. */

import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType as BlobProto } from "#proto-gen/blob.ts";
import type { ProtoGrpcType as LogProto } from "#proto-gen/log.ts";
import { protoDir } from "./protos.ts";

const loaded = loadPackageDefinition(
	loadSync(["runmesh/blob/v1/blob.proto", "runmesh/log/v1/log.proto"], {
		includeDirs: [protoDir],
		longs: Number,
		enums: String,
		defaults: true,
		oneofs: true,
	}),
) as unknown as BlobProto & LogProto;

/** Client constructor; `BlobService.service` is the definition a server registers. */
export const BlobService: BlobProto["runmesh"]["blob"]["v1"]["BlobService"] = loaded.runmesh.blob.v1.BlobService;
export const LogService: LogProto["runmesh"]["log"]["v1"]["LogService"] = loaded.runmesh.log.v1.LogService;
