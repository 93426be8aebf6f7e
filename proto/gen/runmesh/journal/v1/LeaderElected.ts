// Original file: proto/runmesh/journal/v1/journal.proto

import type { Long } from '@grpc/proto-loader';

export interface LeaderElected {
  'coordinatorId'?: (string);
  'epoch'?: (number | string | Long);
}

export interface LeaderElected__Output {
  'coordinatorId': (string);
  'epoch': (number);
}
