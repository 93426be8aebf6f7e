// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { Long } from '@grpc/proto-loader';

export interface UsableDevice {
  'id'?: (string);
  'memoryBytes'?: (number | string | Long);
  'reason'?: (string);
}

export interface UsableDevice__Output {
  'id': (string);
  'memoryBytes': (number);
  'reason': (string);
}
