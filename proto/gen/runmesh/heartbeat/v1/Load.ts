// Original file: proto/runmesh/heartbeat/v1/heartbeat.proto

import type { Long } from '@grpc/proto-loader';

export interface Load {
  'load1'?: (number | string);
  'memoryAvailableBytes'?: (number | string | Long);
  'diskAvailableBytes'?: (number | string | Long);
}

export interface Load__Output {
  'load1': (number);
  'memoryAvailableBytes': (number);
  'diskAvailableBytes': (number);
}
