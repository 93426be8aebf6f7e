// Original file: proto/runmesh/task/v1/task.proto

import type { Long } from '@grpc/proto-loader';

export interface Limits {
  'cpuMillis'?: (number | string | Long);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
}

export interface Limits__Output {
  'cpuMillis': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
}
