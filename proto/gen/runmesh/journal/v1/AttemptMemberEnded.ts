// Original file: proto/runmesh/journal/v1/journal.proto

import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';
import type { Usage as _runmesh_report_v1_Usage, Usage__Output as _runmesh_report_v1_Usage__Output } from '../../../runmesh/report/v1/Usage.ts';
import type { Long } from '@grpc/proto-loader';

export interface AttemptMemberEnded {
  'runId'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
  'rank'?: (number);
  'outputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'metrics'?: (_runmesh_common_v1_Metric)[];
  'startedAtMs'?: (number | string | Long);
  'finishedAtMs'?: (number | string | Long);
  'usage'?: (_runmesh_report_v1_Usage | null);
}

export interface AttemptMemberEnded__Output {
  'runId': (string);
  'stepKey': (string);
  'attemptId': (string);
  'rank': (number);
  'outputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'metrics': (_runmesh_common_v1_Metric__Output)[];
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'usage': (_runmesh_report_v1_Usage__Output | null);
}
