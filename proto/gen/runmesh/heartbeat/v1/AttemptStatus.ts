// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { AttemptPhase as _runmesh_heartbeat_v1_AttemptPhase, AttemptPhase__Output as _runmesh_heartbeat_v1_AttemptPhase__Output } from '../../../runmesh/heartbeat/v1/AttemptPhase.ts';
import type { Long } from '@grpc/proto-loader';

export interface AttemptStatus {
  'attemptId'?: (string);
  'fence'?: (number | string | Long);
  'phase'?: (_runmesh_heartbeat_v1_AttemptPhase);
}

export interface AttemptStatus__Output {
  'attemptId': (string);
  'fence': (number);
  'phase': (_runmesh_heartbeat_v1_AttemptPhase__Output);
}
