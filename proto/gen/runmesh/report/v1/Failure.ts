// Original file: proto/runmesh/report/v1/report.proto

import type { FailureCause as _runmesh_report_v1_FailureCause, FailureCause__Output as _runmesh_report_v1_FailureCause__Output } from '../../../runmesh/report/v1/FailureCause.ts';

export interface Failure {
  'cause'?: (_runmesh_report_v1_FailureCause);
  'message'?: (string);
  'exitCode'?: (number);
  'signal'?: (string);
  '_exitCode'?: "exitCode";
}

export interface Failure__Output {
  'cause': (_runmesh_report_v1_FailureCause__Output);
  'message': (string);
  'exitCode'?: (number);
  'signal': (string);
  '_exitCode'?: "exitCode";
}
