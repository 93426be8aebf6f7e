// Original file: proto/runmesh/report/v1/report.proto

import type { AttemptIdentity as _runmesh_report_v1_AttemptIdentity, AttemptIdentity__Output as _runmesh_report_v1_AttemptIdentity__Output } from '../../../runmesh/report/v1/AttemptIdentity.ts';

export interface AttemptDeclined {
  'attempt'?: (_runmesh_report_v1_AttemptIdentity | null);
  'reason'?: (string);
}

export interface AttemptDeclined__Output {
  'attempt': (_runmesh_report_v1_AttemptIdentity__Output | null);
  'reason': (string);
}
