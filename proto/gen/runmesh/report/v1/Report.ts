// Original file: proto/runmesh/report/v1/report.proto

import type { AttemptStarted as _runmesh_report_v1_AttemptStarted, AttemptStarted__Output as _runmesh_report_v1_AttemptStarted__Output } from '../../../runmesh/report/v1/AttemptStarted.ts';
import type { AttemptFinished as _runmesh_report_v1_AttemptFinished, AttemptFinished__Output as _runmesh_report_v1_AttemptFinished__Output } from '../../../runmesh/report/v1/AttemptFinished.ts';
import type { AttemptDeclined as _runmesh_report_v1_AttemptDeclined, AttemptDeclined__Output as _runmesh_report_v1_AttemptDeclined__Output } from '../../../runmesh/report/v1/AttemptDeclined.ts';
import type { Long } from '@grpc/proto-loader';

export interface Report {
  'reportId'?: (string);
  'agentId'?: (string);
  'atMs'?: (number | string | Long);
  'attemptStarted'?: (_runmesh_report_v1_AttemptStarted | null);
  'attemptFinished'?: (_runmesh_report_v1_AttemptFinished | null);
  'attemptDeclined'?: (_runmesh_report_v1_AttemptDeclined | null);
  'body'?: "attemptStarted"|"attemptFinished"|"attemptDeclined";
}

export interface Report__Output {
  'reportId': (string);
  'agentId': (string);
  'atMs': (number);
  'attemptStarted'?: (_runmesh_report_v1_AttemptStarted__Output | null);
  'attemptFinished'?: (_runmesh_report_v1_AttemptFinished__Output | null);
  'attemptDeclined'?: (_runmesh_report_v1_AttemptDeclined__Output | null);
  'body'?: "attemptStarted"|"attemptFinished"|"attemptDeclined";
}
