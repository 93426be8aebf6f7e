// Original file: proto/runmesh/journal/v1/journal.proto

import type { AttemptState as _runmesh_journal_v1_AttemptState, AttemptState__Output as _runmesh_journal_v1_AttemptState__Output } from '../../../runmesh/journal/v1/AttemptState.ts';
import type { Failure as _runmesh_report_v1_Failure, Failure__Output as _runmesh_report_v1_Failure__Output } from '../../../runmesh/report/v1/Failure.ts';
import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';
import type { CodeUse as _runmesh_report_v1_CodeUse, CodeUse__Output as _runmesh_report_v1_CodeUse__Output } from '../../../runmesh/report/v1/CodeUse.ts';
import type { Usage as _runmesh_report_v1_Usage, Usage__Output as _runmesh_report_v1_Usage__Output } from '../../../runmesh/report/v1/Usage.ts';
import type { Long } from '@grpc/proto-loader';

export interface AttemptEnded {
  'runId'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
  'state'?: (_runmesh_journal_v1_AttemptState);
  'failure'?: (_runmesh_report_v1_Failure | null);
  'outputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'metrics'?: (_runmesh_common_v1_Metric)[];
  'startedAtMs'?: (number | string | Long);
  'finishedAtMs'?: (number | string | Long);
  'reason'?: (string);
  'codeUse'?: (_runmesh_report_v1_CodeUse | null);
  'usage'?: (_runmesh_report_v1_Usage | null);
}

export interface AttemptEnded__Output {
  'runId': (string);
  'stepKey': (string);
  'attemptId': (string);
  'state': (_runmesh_journal_v1_AttemptState__Output);
  'failure': (_runmesh_report_v1_Failure__Output | null);
  'outputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'metrics': (_runmesh_common_v1_Metric__Output)[];
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'reason': (string);
  'codeUse': (_runmesh_report_v1_CodeUse__Output | null);
  'usage': (_runmesh_report_v1_Usage__Output | null);
}
