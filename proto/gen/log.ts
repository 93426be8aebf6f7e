import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { LogServiceClient as _runmesh_log_v1_LogServiceClient, LogServiceDefinition as _runmesh_log_v1_LogServiceDefinition } from './runmesh/log/v1/LogService.ts';
import type { PushRequest as _runmesh_log_v1_PushRequest, PushRequest__Output as _runmesh_log_v1_PushRequest__Output } from './runmesh/log/v1/PushRequest.ts';
import type { PushResponse as _runmesh_log_v1_PushResponse, PushResponse__Output as _runmesh_log_v1_PushResponse__Output } from './runmesh/log/v1/PushResponse.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  runmesh: {
    log: {
      v1: {
        LogService: SubtypeConstructor<typeof grpc.Client, _runmesh_log_v1_LogServiceClient> & { service: _runmesh_log_v1_LogServiceDefinition }
        LogStream: EnumTypeDefinition
        PushRequest: MessageTypeDefinition<_runmesh_log_v1_PushRequest, _runmesh_log_v1_PushRequest__Output>
        PushResponse: MessageTypeDefinition<_runmesh_log_v1_PushResponse, _runmesh_log_v1_PushResponse__Output>
      }
    }
  }
}

