// Original file: proto/runmesh/report/v1/report.proto

import type { Long } from '@grpc/proto-loader';

export interface AttemptIdentity {
  'runId'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
  'fence'?: (number | string | Long);
}

export interface AttemptIdentity__Output {
  'runId': (string);
  'stepKey': (string);
  'attemptId': (string);
  'fence': (number);
}
