// Original file: proto/runmesh/journal/v1/journal.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { ReusedStep as _runmesh_journal_v1_ReusedStep, ReusedStep__Output as _runmesh_journal_v1_ReusedStep__Output } from '../../../runmesh/journal/v1/ReusedStep.ts';
import type { CacheMode as _runmesh_journal_v1_CacheMode, CacheMode__Output as _runmesh_journal_v1_CacheMode__Output } from '../../../runmesh/journal/v1/CacheMode.ts';

export interface RunSubmitted {
  'runId'?: (string);
  'definitionJson'?: (string);
  'paramsJson'?: (string);
  'submitter'?: (string);
  'code'?: (_runmesh_common_v1_ArtifactRef | null);
  'submissionId'?: (string);
  'reused'?: (_runmesh_journal_v1_ReusedStep)[];
  'leftOut'?: (string)[];
  'cacheMode'?: (_runmesh_journal_v1_CacheMode);
  'basedOn'?: (string);
}

export interface RunSubmitted__Output {
  'runId': (string);
  'definitionJson': (string);
  'paramsJson': (string);
  'submitter': (string);
  'code': (_runmesh_common_v1_ArtifactRef__Output | null);
  'submissionId': (string);
  'reused': (_runmesh_journal_v1_ReusedStep__Output)[];
  'leftOut': (string)[];
  'cacheMode': (_runmesh_journal_v1_CacheMode__Output);
  'basedOn': (string);
}
