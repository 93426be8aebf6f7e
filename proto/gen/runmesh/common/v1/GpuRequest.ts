// Original file: proto/runmesh/common/v1/common.proto

import type { Long } from '@grpc/proto-loader';

export interface GpuRequest {
  'count'?: (number);
  'memoryBytes'?: (number | string | Long);
  'model'?: (string);
}

export interface GpuRequest__Output {
  'count': (number);
  'memoryBytes': (number);
  'model': (string);
}
