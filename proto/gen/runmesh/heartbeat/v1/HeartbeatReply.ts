// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { StopAttempt as _runmesh_heartbeat_v1_StopAttempt, StopAttempt__Output as _runmesh_heartbeat_v1_StopAttempt__Output } from '../../../runmesh/heartbeat/v1/StopAttempt.ts';
import type { Long } from '@grpc/proto-loader';

export interface HeartbeatReply {
  'leaderEpoch'?: (number | string | Long);
  'stop'?: (_runmesh_heartbeat_v1_StopAttempt)[];
  'settled'?: (string)[];
  'leave'?: (boolean);
  'advertise'?: (boolean);
}

export interface HeartbeatReply__Output {
  'leaderEpoch': (number);
  'stop': (_runmesh_heartbeat_v1_StopAttempt__Output)[];
  'settled': (string)[];
  'leave': (boolean);
  'advertise': (boolean);
}
