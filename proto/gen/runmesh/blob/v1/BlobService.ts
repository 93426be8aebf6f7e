// Original file: proto/runmesh/blob/v1/blob.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReadRequest as _runmesh_blob_v1_ReadRequest, ReadRequest__Output as _runmesh_blob_v1_ReadRequest__Output } from '../../../runmesh/blob/v1/ReadRequest.ts';
import type { ReadResponse as _runmesh_blob_v1_ReadResponse, ReadResponse__Output as _runmesh_blob_v1_ReadResponse__Output } from '../../../runmesh/blob/v1/ReadResponse.ts';

export interface BlobServiceClient extends grpc.Client {
  Read(argument: _runmesh_blob_v1_ReadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  Read(argument: _runmesh_blob_v1_ReadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  read(argument: _runmesh_blob_v1_ReadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  read(argument: _runmesh_blob_v1_ReadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  
}

export interface BlobServiceHandlers extends grpc.UntypedServiceImplementation {
  Read: grpc.handleServerStreamingCall<_runmesh_blob_v1_ReadRequest__Output, _runmesh_blob_v1_ReadResponse>;
  
}

export interface BlobServiceDefinition extends grpc.ServiceDefinition {
  Read: MethodDefinition<_runmesh_blob_v1_ReadRequest, _runmesh_blob_v1_ReadResponse, _runmesh_blob_v1_ReadRequest__Output, _runmesh_blob_v1_ReadResponse__Output>
}
