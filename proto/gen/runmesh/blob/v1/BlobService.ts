// Original file: proto/runmesh/blob/v1/blob.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ReadRequest as _runmesh_blob_v1_ReadRequest, ReadRequest__Output as _runmesh_blob_v1_ReadRequest__Output } from '../../../runmesh/blob/v1/ReadRequest.ts';
import type { ReadResponse as _runmesh_blob_v1_ReadResponse, ReadResponse__Output as _runmesh_blob_v1_ReadResponse__Output } from '../../../runmesh/blob/v1/ReadResponse.ts';
import type { StatRequest as _runmesh_blob_v1_StatRequest, StatRequest__Output as _runmesh_blob_v1_StatRequest__Output } from '../../../runmesh/blob/v1/StatRequest.ts';
import type { StatResponse as _runmesh_blob_v1_StatResponse, StatResponse__Output as _runmesh_blob_v1_StatResponse__Output } from '../../../runmesh/blob/v1/StatResponse.ts';

export interface BlobServiceClient extends grpc.Client {
  Read(argument: _runmesh_blob_v1_ReadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  Read(argument: _runmesh_blob_v1_ReadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  read(argument: _runmesh_blob_v1_ReadRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  read(argument: _runmesh_blob_v1_ReadRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_runmesh_blob_v1_ReadResponse__Output>;
  
  Stat(argument: _runmesh_blob_v1_StatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  Stat(argument: _runmesh_blob_v1_StatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  Stat(argument: _runmesh_blob_v1_StatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  Stat(argument: _runmesh_blob_v1_StatRequest, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  stat(argument: _runmesh_blob_v1_StatRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  stat(argument: _runmesh_blob_v1_StatRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  stat(argument: _runmesh_blob_v1_StatRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  stat(argument: _runmesh_blob_v1_StatRequest, callback: grpc.requestCallback<_runmesh_blob_v1_StatResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface BlobServiceHandlers extends grpc.UntypedServiceImplementation {
  Read: grpc.handleServerStreamingCall<_runmesh_blob_v1_ReadRequest__Output, _runmesh_blob_v1_ReadResponse>;
  
  Stat: grpc.handleUnaryCall<_runmesh_blob_v1_StatRequest__Output, _runmesh_blob_v1_StatResponse>;
  
}

export interface BlobServiceDefinition extends grpc.ServiceDefinition {
  Read: MethodDefinition<_runmesh_blob_v1_ReadRequest, _runmesh_blob_v1_ReadResponse, _runmesh_blob_v1_ReadRequest__Output, _runmesh_blob_v1_ReadResponse__Output>
  Stat: MethodDefinition<_runmesh_blob_v1_StatRequest, _runmesh_blob_v1_StatResponse, _runmesh_blob_v1_StatRequest__Output, _runmesh_blob_v1_StatResponse__Output>
}
