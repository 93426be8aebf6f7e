import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlobServiceClient as _runmesh_blob_v1_BlobServiceClient, BlobServiceDefinition as _runmesh_blob_v1_BlobServiceDefinition } from './runmesh/blob/v1/BlobService.ts';
import type { ReadRequest as _runmesh_blob_v1_ReadRequest, ReadRequest__Output as _runmesh_blob_v1_ReadRequest__Output } from './runmesh/blob/v1/ReadRequest.ts';
import type { ReadResponse as _runmesh_blob_v1_ReadResponse, ReadResponse__Output as _runmesh_blob_v1_ReadResponse__Output } from './runmesh/blob/v1/ReadResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  runmesh: {
    blob: {
      v1: {
        BlobService: SubtypeConstructor<typeof grpc.Client, _runmesh_blob_v1_BlobServiceClient> & { service: _runmesh_blob_v1_BlobServiceDefinition }
        ReadRequest: MessageTypeDefinition<_runmesh_blob_v1_ReadRequest, _runmesh_blob_v1_ReadRequest__Output>
        ReadResponse: MessageTypeDefinition<_runmesh_blob_v1_ReadResponse, _runmesh_blob_v1_ReadResponse__Output>
      }
    }
  }
}

