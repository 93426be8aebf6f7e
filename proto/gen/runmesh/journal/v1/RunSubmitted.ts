// Original file: proto/runmesh/journal/v1/journal.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';

export interface RunSubmitted {
  'runId'?: (string);
  'definitionJson'?: (string);
  'paramsJson'?: (string);
  'submitter'?: (string);
  'code'?: (_runmesh_common_v1_ArtifactRef | null);
  'submissionId'?: (string);
}

export interface RunSubmitted__Output {
  'runId': (string);
  'definitionJson': (string);
  'paramsJson': (string);
  'submitter': (string);
  'code': (_runmesh_common_v1_ArtifactRef__Output | null);
  'submissionId': (string);
}
