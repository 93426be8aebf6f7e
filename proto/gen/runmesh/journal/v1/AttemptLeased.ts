// Original file: proto/runmesh/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface AttemptLeased {
  'runId'?: (string);
  'stepKey'?: (string);
  'attemptId'?: (string);
  'attemptNumber'?: (number);
  'fence'?: (number | string | Long);
  'agentId'?: (string);
  'memberIds'?: (string)[];
  'masterAddr'?: (string);
}

export interface AttemptLeased__Output {
  'runId': (string);
  'stepKey': (string);
  'attemptId': (string);
  'attemptNumber': (number);
  'fence': (number);
  'agentId': (string);
  'memberIds': (string)[];
  'masterAddr': (string);
}
