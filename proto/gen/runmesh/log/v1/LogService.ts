// Original file: proto/runmesh/log/v1/log.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { PushRequest as _runmesh_log_v1_PushRequest, PushRequest__Output as _runmesh_log_v1_PushRequest__Output } from '../../../runmesh/log/v1/PushRequest.ts';
import type { PushResponse as _runmesh_log_v1_PushResponse, PushResponse__Output as _runmesh_log_v1_PushResponse__Output } from '../../../runmesh/log/v1/PushResponse.ts';

export interface LogServiceClient extends grpc.Client {
  Push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushResponse__Output>;
  Push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushResponse__Output>;
  push(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushResponse__Output>;
  push(options?: grpc.CallOptions): grpc.ClientDuplexStream<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushResponse__Output>;
  
}

export interface LogServiceHandlers extends grpc.UntypedServiceImplementation {
  Push: grpc.handleBidiStreamingCall<_runmesh_log_v1_PushRequest__Output, _runmesh_log_v1_PushResponse>;
  
}

export interface LogServiceDefinition extends grpc.ServiceDefinition {
  Push: MethodDefinition<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushResponse, _runmesh_log_v1_PushRequest__Output, _runmesh_log_v1_PushResponse__Output>
}
