// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { StopAttempt as _runmesh_heartbeat_v1_StopAttempt, StopAttempt__Output as _runmesh_heartbeat_v1_StopAttempt__Output } from '../../../runmesh/heartbeat/v1/StopAttempt.ts';
import type { Long } from '@grpc/proto-loader';

export interface Control {
  'stop'?: (_runmesh_heartbeat_v1_StopAttempt)[];
  'leaderEpoch'?: (number | string | Long);
}

export interface Control__Output {
  'stop': (_runmesh_heartbeat_v1_StopAttempt__Output)[];
  'leaderEpoch': (number);
}
