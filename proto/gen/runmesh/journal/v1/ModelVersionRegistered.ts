// Original file: proto/runmesh/journal/v1/journal.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';

export interface ModelVersionRegistered {
  'model'?: (string);
  'version'?: (number);
  'artifact'?: (_runmesh_common_v1_ArtifactRef | null);
  'golden'?: (_runmesh_common_v1_ArtifactRef | null);
  'runId'?: (string);
  'stepKey'?: (string);
  'metrics'?: (_runmesh_common_v1_Metric)[];
}

export interface ModelVersionRegistered__Output {
  'model': (string);
  'version': (number);
  'artifact': (_runmesh_common_v1_ArtifactRef__Output | null);
  'golden': (_runmesh_common_v1_ArtifactRef__Output | null);
  'runId': (string);
  'stepKey': (string);
  'metrics': (_runmesh_common_v1_Metric__Output)[];
}
