// Original file: proto/runmesh/report/v1/report.proto

import type { Report as _runmesh_report_v1_Report, Report__Output as _runmesh_report_v1_Report__Output } from '../../../runmesh/report/v1/Report.ts';

export interface Reports {
  'reports'?: (_runmesh_report_v1_Report)[];
}

export interface Reports__Output {
  'reports': (_runmesh_report_v1_Report__Output)[];
}
