// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { AttemptStatus as _runmesh_heartbeat_v1_AttemptStatus, AttemptStatus__Output as _runmesh_heartbeat_v1_AttemptStatus__Output } from '../../../runmesh/heartbeat/v1/AttemptStatus.ts';
import type { Load as _runmesh_heartbeat_v1_Load, Load__Output as _runmesh_heartbeat_v1_Load__Output } from '../../../runmesh/heartbeat/v1/Load.ts';
import type { Usable as _runmesh_heartbeat_v1_Usable, Usable__Output as _runmesh_heartbeat_v1_Usable__Output } from '../../../runmesh/heartbeat/v1/Usable.ts';
import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'agentId'?: (string);
  'sessionId'?: (string);
  'atMs'?: (number | string | Long);
  'attempts'?: (_runmesh_heartbeat_v1_AttemptStatus)[];
  'load'?: (_runmesh_heartbeat_v1_Load | null);
  'draining'?: (boolean);
  'usable'?: (_runmesh_heartbeat_v1_Usable | null);
  'closed'?: (string);
}

export interface Heartbeat__Output {
  'agentId': (string);
  'sessionId': (string);
  'atMs': (number);
  'attempts': (_runmesh_heartbeat_v1_AttemptStatus__Output)[];
  'load': (_runmesh_heartbeat_v1_Load__Output | null);
  'draining': (boolean);
  'usable': (_runmesh_heartbeat_v1_Usable__Output | null);
  'closed': (string);
}
