// Original file: proto/runmesh/report/v1/report.proto

import type { ReplicaState as _runmesh_report_v1_ReplicaState, ReplicaState__Output as _runmesh_report_v1_ReplicaState__Output } from '../../../runmesh/report/v1/ReplicaState.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReplicaChanged {
  'deployment'?: (string);
  'version'?: (number);
  'revision'?: (number | string | Long);
  'state'?: (_runmesh_report_v1_ReplicaState);
  'detail'?: (string);
  'endpoint'?: (string);
}

export interface ReplicaChanged__Output {
  'deployment': (string);
  'version': (number);
  'revision': (number);
  'state': (_runmesh_report_v1_ReplicaState__Output);
  'detail': (string);
  'endpoint': (string);
}
