// Original file: proto/runmesh/serving/v1/serving.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Long } from '@grpc/proto-loader';

export interface DesiredReplica {
  'deployment'?: (string);
  'model'?: (string);
  'version'?: (number);
  'artifact'?: (_runmesh_common_v1_ArtifactRef | null);
  'golden'?: (_runmesh_common_v1_ArtifactRef | null);
  'revision'?: (number | string | Long);
}

export interface DesiredReplica__Output {
  'deployment': (string);
  'model': (string);
  'version': (number);
  'artifact': (_runmesh_common_v1_ArtifactRef__Output | null);
  'golden': (_runmesh_common_v1_ArtifactRef__Output | null);
  'revision': (number);
}
