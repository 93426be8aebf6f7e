import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AttemptStatus as _runmesh_heartbeat_v1_AttemptStatus, AttemptStatus__Output as _runmesh_heartbeat_v1_AttemptStatus__Output } from './runmesh/heartbeat/v1/AttemptStatus.ts';
import type { Control as _runmesh_heartbeat_v1_Control, Control__Output as _runmesh_heartbeat_v1_Control__Output } from './runmesh/heartbeat/v1/Control.ts';
import type { Heartbeat as _runmesh_heartbeat_v1_Heartbeat, Heartbeat__Output as _runmesh_heartbeat_v1_Heartbeat__Output } from './runmesh/heartbeat/v1/Heartbeat.ts';
import type { HeartbeatReply as _runmesh_heartbeat_v1_HeartbeatReply, HeartbeatReply__Output as _runmesh_heartbeat_v1_HeartbeatReply__Output } from './runmesh/heartbeat/v1/HeartbeatReply.ts';
import type { Load as _runmesh_heartbeat_v1_Load, Load__Output as _runmesh_heartbeat_v1_Load__Output } from './runmesh/heartbeat/v1/Load.ts';
import type { StopAttempt as _runmesh_heartbeat_v1_StopAttempt, StopAttempt__Output as _runmesh_heartbeat_v1_StopAttempt__Output } from './runmesh/heartbeat/v1/StopAttempt.ts';
import type { Usable as _runmesh_heartbeat_v1_Usable, Usable__Output as _runmesh_heartbeat_v1_Usable__Output } from './runmesh/heartbeat/v1/Usable.ts';
import type { UsableDevice as _runmesh_heartbeat_v1_UsableDevice, UsableDevice__Output as _runmesh_heartbeat_v1_UsableDevice__Output } from './runmesh/heartbeat/v1/UsableDevice.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  runmesh: {
    heartbeat: {
      v1: {
        AttemptPhase: EnumTypeDefinition
        AttemptStatus: MessageTypeDefinition<_runmesh_heartbeat_v1_AttemptStatus, _runmesh_heartbeat_v1_AttemptStatus__Output>
        Control: MessageTypeDefinition<_runmesh_heartbeat_v1_Control, _runmesh_heartbeat_v1_Control__Output>
        Heartbeat: MessageTypeDefinition<_runmesh_heartbeat_v1_Heartbeat, _runmesh_heartbeat_v1_Heartbeat__Output>
        HeartbeatReply: MessageTypeDefinition<_runmesh_heartbeat_v1_HeartbeatReply, _runmesh_heartbeat_v1_HeartbeatReply__Output>
        Load: MessageTypeDefinition<_runmesh_heartbeat_v1_Load, _runmesh_heartbeat_v1_Load__Output>
        StopAttempt: MessageTypeDefinition<_runmesh_heartbeat_v1_StopAttempt, _runmesh_heartbeat_v1_StopAttempt__Output>
        Usable: MessageTypeDefinition<_runmesh_heartbeat_v1_Usable, _runmesh_heartbeat_v1_Usable__Output>
        UsableDevice: MessageTypeDefinition<_runmesh_heartbeat_v1_UsableDevice, _runmesh_heartbeat_v1_UsableDevice__Output>
      }
    }
  }
}

