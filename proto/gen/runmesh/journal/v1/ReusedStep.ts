// Original file: proto/runmesh/journal/v1/journal.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';

export interface ReusedStep {
  'stepKey'?: (string);
  'matrixJson'?: (string);
  'runId'?: (string);
  'outputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'metrics'?: (_runmesh_common_v1_Metric)[];
}

export interface ReusedStep__Output {
  'stepKey': (string);
  'matrixJson': (string);
  'runId': (string);
  'outputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'metrics': (_runmesh_common_v1_Metric__Output)[];
}
