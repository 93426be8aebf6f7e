// Original file: proto/runmesh/advert/v1/advert.proto

import type { ReplicaState as _runmesh_report_v1_ReplicaState, ReplicaState__Output as _runmesh_report_v1_ReplicaState__Output } from '../../../runmesh/report/v1/ReplicaState.ts';
import type { Long } from '@grpc/proto-loader';

export interface ReplicaStatus {
  'deployment'?: (string);
  'version'?: (number);
  'state'?: (_runmesh_report_v1_ReplicaState);
  'detail'?: (string);
  'revision'?: (number | string | Long);
  'endpoint'?: (string);
}

export interface ReplicaStatus__Output {
  'deployment': (string);
  'version': (number);
  'state': (_runmesh_report_v1_ReplicaState__Output);
  'detail': (string);
  'revision': (number);
  'endpoint': (string);
}
