// Original file: proto/runmesh/serving/v1/serving.proto

import type { DesiredReplica as _runmesh_serving_v1_DesiredReplica, DesiredReplica__Output as _runmesh_serving_v1_DesiredReplica__Output } from '../../../runmesh/serving/v1/DesiredReplica.ts';

export interface DesiredServing {
  'replicas'?: (_runmesh_serving_v1_DesiredReplica)[];
}

export interface DesiredServing__Output {
  'replicas': (_runmesh_serving_v1_DesiredReplica__Output)[];
}
