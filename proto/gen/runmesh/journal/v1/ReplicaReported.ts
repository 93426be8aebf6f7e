// Original file: proto/runmesh/journal/v1/journal.proto

import type { ReplicaState as _runmesh_report_v1_ReplicaState, ReplicaState__Output as _runmesh_report_v1_ReplicaState__Output } from '../../../runmesh/report/v1/ReplicaState.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReplicaReported {
  'deployment'?: (string);
  'agentId'?: (string);
  'version'?: (number);
  'state'?: (_runmesh_report_v1_ReplicaState);
  'detail'?: (string);
  'endpoint'?: (string);
  'revision'?: (number | string | Long);
}

export interface ReplicaReported__Output {
  'deployment': (string);
  'agentId': (string);
  'version': (number);
  'state': (_runmesh_report_v1_ReplicaState__Output);
  'detail': (string);
  'endpoint': (string);
  'revision': (number);
}
