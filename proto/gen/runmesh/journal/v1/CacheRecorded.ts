// Original file: proto/runmesh/journal/v1/journal.proto

import type { CodeUse as _runmesh_report_v1_CodeUse, CodeUse__Output as _runmesh_report_v1_CodeUse__Output } from '../../../runmesh/report/v1/CodeUse.ts';

export interface CacheRecorded {
  'runId'?: (string);
  'stepKey'?: (string);
  'key'?: (string);
  'partsJson'?: (string);
  'codeDigest'?: (string);
  'codeUse'?: (_runmesh_report_v1_CodeUse | null);
  'paramsDigest'?: (string);
}

export interface CacheRecorded__Output {
  'runId': (string);
  'stepKey': (string);
  'key': (string);
  'partsJson': (string);
  'codeDigest': (string);
  'codeUse': (_runmesh_report_v1_CodeUse__Output | null);
  'paramsDigest': (string);
}
