// Original file: proto/runmesh/report/v1/report.proto

import type { AttemptIdentity as _runmesh_report_v1_AttemptIdentity, AttemptIdentity__Output as _runmesh_report_v1_AttemptIdentity__Output } from '../../../runmesh/report/v1/AttemptIdentity.ts';
import type { Outcome as _runmesh_report_v1_Outcome, Outcome__Output as _runmesh_report_v1_Outcome__Output } from '../../../runmesh/report/v1/Outcome.ts';
import type { Failure as _runmesh_report_v1_Failure, Failure__Output as _runmesh_report_v1_Failure__Output } from '../../../runmesh/report/v1/Failure.ts';
import type { ArtifactRef as _runmesh_common_v1_ArtifactRef, ArtifactRef__Output as _runmesh_common_v1_ArtifactRef__Output } from '../../../runmesh/common/v1/ArtifactRef.ts';
import type { Metric as _runmesh_common_v1_Metric, Metric__Output as _runmesh_common_v1_Metric__Output } from '../../../runmesh/common/v1/Metric.ts';
import type { CodeUse as _runmesh_report_v1_CodeUse, CodeUse__Output as _runmesh_report_v1_CodeUse__Output } from '../../../runmesh/report/v1/CodeUse.ts';
import type { Usage as _runmesh_report_v1_Usage, Usage__Output as _runmesh_report_v1_Usage__Output } from '../../../runmesh/report/v1/Usage.ts';
import type { Long } from '@grpc/proto-loader';

export interface AttemptFinished {
  'attempt'?: (_runmesh_report_v1_AttemptIdentity | null);
  'outcome'?: (_runmesh_report_v1_Outcome);
  'failure'?: (_runmesh_report_v1_Failure | null);
  'outputs'?: (_runmesh_common_v1_ArtifactRef)[];
  'metrics'?: (_runmesh_common_v1_Metric)[];
  'startedAtMs'?: (number | string | Long);
  'finishedAtMs'?: (number | string | Long);
  'logBytes'?: (number | string | Long);
  'logDroppedBytes'?: (number | string | Long);
  'codeUse'?: (_runmesh_report_v1_CodeUse | null);
  'usage'?: (_runmesh_report_v1_Usage | null);
}

export interface AttemptFinished__Output {
  'attempt': (_runmesh_report_v1_AttemptIdentity__Output | null);
  'outcome': (_runmesh_report_v1_Outcome__Output);
  'failure': (_runmesh_report_v1_Failure__Output | null);
  'outputs': (_runmesh_common_v1_ArtifactRef__Output)[];
  'metrics': (_runmesh_common_v1_Metric__Output)[];
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'logBytes': (number);
  'logDroppedBytes': (number);
  'codeUse': (_runmesh_report_v1_CodeUse__Output | null);
  'usage': (_runmesh_report_v1_Usage__Output | null);
}
