// Original file: proto/runmesh/journal/v1/journal.proto

import type { StepState as _runmesh_journal_v1_StepState, StepState__Output as _runmesh_journal_v1_StepState__Output } from '../../../runmesh/journal/v1/StepState.ts';
import type { Failure as _runmesh_report_v1_Failure, Failure__Output as _runmesh_report_v1_Failure__Output } from '../../../runmesh/report/v1/Failure.ts';
import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';

export interface StepSettled {
  'runId'?: (string);
  'stepKey'?: (string);
  'state'?: (_runmesh_journal_v1_StepState);
  'failure'?: (_runmesh_report_v1_Failure | null);
  'outputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'metrics'?: (_runmesh_common_v1_Metric)[];
  'reason'?: (string);
}

export interface StepSettled__Output {
  'runId': (string);
  'stepKey': (string);
  'state': (_runmesh_journal_v1_StepState__Output);
  'failure': (_runmesh_report_v1_Failure__Output | null);
  'outputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'metrics': (_runmesh_common_v1_Metric__Output)[];
  'reason': (string);
}
