// Original file: proto/runmesh/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface StepRetryScheduled {
  'runId'?: (string);
  'stepKey'?: (string);
  'notBeforeMs'?: (number | string | Long);
  'reason'?: (string);
}

export interface StepRetryScheduled__Output {
  'runId': (string);
  'stepKey': (string);
  'notBeforeMs': (number);
  'reason': (string);
}
